//! What an earlier version has stored under another spelling of an international domain.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;

use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    path::Mailbox,
    storage::{
        Queue, Records, Sessions, Storage,
        record::{SessionId, Standing},
    },
};
use koukan_storage::SqliteBackend;

mod support;

use support::{found, now, tamper, transaction};

const HOST: &str = "xn--bcher-kva.example";

#[tokio::test]
async fn what_is_queued_is_found_by_its_new_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&*path).await.unwrap();
    for to in ["bob@bücher.example", "bob@example.com"] {
        let mut new = transaction(10);
        new.recipients[0].rcpt.forward_path = to.parse().unwrap();
        backend.insert(new).await.unwrap();
    }
    drop(backend);
    // As the version before wrote them.
    let other = "unix:/run/bücher";
    tamper(
        &path,
        format!(
            "UPDATE transactions SET host = 'bücher.example', destination = 'submission bücher.example',
                forward_paths = '\nbob@bücher.example\n', reverse_path = 'alice@bücher.example'
                WHERE host = '{HOST}';
            UPDATE transactions SET host = '{other}', destination = 'submission {other}'
                WHERE host = 'example.com';
            INSERT INTO suspensions VALUES ('bücher.example', 1, 'olga');
            INSERT INTO suppressions (sender, address, since, until, reason)
                VALUES ('out', 'bob@bücher.example', 1, 4000000000000000, '550 5.1.1 no');"
        ),
    )
    .await;

    let backend = Arc::new(SqliteBackend::open(&*path).await.unwrap());
    let storage = Storage::open(
        Arc::clone(&backend) as _,
        BlobPool::default(),
        Arc::new(SystemClock),
    );
    let storage = storage.await.unwrap();
    storage.suppress([("out".into(), std::time::Duration::from_secs(1))]);
    assert!(storage.is_suspended(HOST));
    let mailbox = "bob@BÜCHER.example".parse::<Mailbox>().unwrap();
    assert!(storage.suppression("out", &mailbox).is_some());
    let named = backend.destinations(None, now(), 9).await.unwrap();
    let mut named: Vec<_> = named.iter().map(|one| (&*one.host, one.queued)).collect();
    named.sort_unstable();
    assert_eq!(named, [("unix:/run/bücher", 1), (HOST, 1)]);
    for spelling in [HOST, "bücher.example", "BÜCHER.example"] {
        assert_eq!(found(&*backend, spelling).await, [1; 3], "{spelling}");
    }
    // It is suspended by that name, and goes on by it.
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let leased = async || {
        let leased = backend.lease_due(session, now(), Standing::Clear, 9, &[]);
        leased.await.unwrap().len()
    };
    assert_eq!(leased().await, 1);
    assert!(storage.resume_destination(HOST).await.unwrap());
    assert_eq!(leased().await, 1);
    assert!(backend.suspensions().await.unwrap().is_empty());
}
