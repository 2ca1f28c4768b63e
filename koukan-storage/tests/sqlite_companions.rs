//! Attempts that are leased together, one of which cannot be read.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use jiff::{SignedDuration, Timestamp};
use koukan_core::storage::{
    Queue, Sessions,
    record::{Companions, MessageKey, NewTransaction, SchedulingKey, SessionId, Standing},
};
use koukan_storage::SqliteBackend;

mod support;

use support::{now, tamper, transaction};

#[tokio::test]
async fn what_cannot_be_read_is_put_off_and_nothing_else_suffers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let message_key = MessageKey::random();
    let new = || NewTransaction {
        message_key: Some(message_key),
        ..transaction(3)
    };
    let [first, broken, third] = [new(), new(), new()];
    let destination = SchedulingKey::of(&first.context, &first.recipients);
    let ids = [first.id, broken.id, third.id];
    let backend = SqliteBackend::open(&path).await.unwrap();
    for new in [first, broken, third] {
        backend.insert(new).await.unwrap();
    }
    backend.close().await;
    let garble = format!(
        "UPDATE transactions SET mail = 'no JSON' WHERE id = '{}'",
        ids[1]
    );
    tamper(&path, garble).await;

    let backend = SqliteBackend::open(&path).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let taken = backend.lease(ids[0], session, None).await.unwrap();
    assert!(taken.is_some());
    // At whatever time they are due.
    let wanted = Companions {
        message_key,
        destination: Some(destination),
        until: Timestamp::MAX,
        limit: 9,
    };
    let leased = backend
        .lease_companions(session, now(), vec![wanted], 9)
        .await
        .unwrap();
    let leased: Vec<_> = leased.iter().map(|leased| leased.transaction.id).collect();
    assert_eq!(leased, [ids[2]]);
    // It becomes due again, soon enough for a version that can read it.
    let next = backend.next_due(Standing::Clear, &[]).await.unwrap();
    assert_eq!(next, Some(now() + SignedDuration::from_hours(1)));
    backend.probe().await.unwrap();
}
