//! Held transactions, in a database of the last version without them.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use koukan_core::storage::{
    Queue, Records, Sessions,
    record::{Change, QueueAction, SessionId, Standing, TransactionId},
};
use koukan_storage::SqliteBackend;

mod support;

use support::{now, tamper, versions::of_version};

#[tokio::test]
async fn nothing_is_held_of_what_the_version_before_holds_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    of_version(&path, 7).await;
    let (id, created) = (TransactionId::random(), now().as_microsecond());
    let row = format!(
        r#"INSERT INTO blobs VALUES ('{id}', 3, 1, {created});
        INSERT INTO chunks VALUES ('{id}', 0, x'616263');
        INSERT INTO transactions (id, created, sender, context, mail, recipients, blob_id, body_len,
            retry, notify, crash_count, attempt_count, due_at, work, lease_fence, destination)
        VALUES ('{id}', {created}, 'a', '{{"sender":"a"}}', '{{"reverse_path":"a@x.example"}}',
            '[{{"forward_path":"b@y.example"}}]', '{id}', 3, 1, 1, 0, 0, {created}, 'attempt', 0,
            'a y.example');"#
    );
    tamper(&path, row).await;

    let backend = SqliteBackend::open(&*path).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let held = async || backend.find(id).await.unwrap().unwrap().held;
    assert_eq!(held().await, None);
    for (action, since, due) in [
        (QueueAction::Hold, Some(now()), 0),
        (QueueAction::Release, None, 1),
    ] {
        let change = Change {
            ids: vec![id],
            action,
            now: now(),
            is_dry: false,
        };
        assert_eq!(backend.change(change).await.unwrap(), [(id, Ok(1))]);
        assert_eq!(held().await, since);
        let leased = backend.lease_due(session, now(), Standing::Clear, 9, &[]);
        assert_eq!(leased.await.unwrap().len(), due);
    }
}
