//! A database that is full.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::time::Duration;

use bytes::Bytes;
use koukan_core::{
    blob::BlobId,
    storage::{
        BackendError, Blobs, Queue, Records, Retention, Sessions,
        record::{FinalReason, NewTransaction, Status},
    },
};
use koukan_storage::{SqliteBackend, SqliteOptions};

mod support;

use support::{now, transaction};

/// Fills the database by single inserts. Returns those that were acknowledged.
async fn fill(backend: &SqliteBackend, status: Status) -> Vec<NewTransaction> {
    let mut acknowledged = Vec::new();
    loop {
        let mut new = transaction(20_000);
        new.status = status.clone();
        match backend.insert(new.clone()).await {
            Ok(()) => acknowledged.push(new),
            Err(BackendError::Full(_)) => return acknowledged,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_stays_and_more_room_helps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let small = SqliteOptions::new(&path).with_max_size(1 << 20);
    let backend = SqliteBackend::open(small).await.unwrap();
    let acknowledged = fill(&backend, transaction(0).status).await;
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    let octets = Bytes::from(vec![b'x'; 300_000]);
    let append = backend.append_blob(BlobId::random(), 0, octets, now());
    assert!(matches!(append.await, Err(BackendError::Full(_))));
    let concurrent = (0..10).map(|_| backend.insert(transaction(20_000)));
    for result in futures_util::future::join_all(concurrent).await {
        assert!(matches!(result, Err(BackendError::Full(_))), "{result:?}");
    }
    for new in &acknowledged {
        assert!(backend.find(new.id).await.unwrap().is_some());
    }
    let census = backend.census().await.unwrap();
    assert_eq!(census.waiting, acknowledged.len() as u64);
    backend.close().await;

    let large = SqliteOptions::new(&path).with_max_size(8 << 20);
    let backend = SqliteBackend::open(large).await.unwrap();
    for new in acknowledged {
        let body = backend.find(new.id).await.unwrap().unwrap().body.unwrap();
        assert_eq!(backend.read_blob(body.blob, 0).await.unwrap().len(), 20_000);
    }
    backend.insert(transaction(20_000)).await.unwrap();
}

#[tokio::test]
async fn a_probe_tells_that_there_is_no_room_until_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let small = SqliteOptions::new(&path).with_max_size(1 << 20);
    let backend = SqliteBackend::open(small).await.unwrap();
    backend.probe().await.unwrap();
    fill(&backend, Status::Final(FinalReason::Delivered)).await;
    for _ in 0..3 {
        let probed = backend.probe().await;
        assert!(matches!(probed, Err(BackendError::Full(_))), "{probed:?}");
    }
    let retention = Retention::default()
        .with_finished(Duration::ZERO)
        .with_orphaned(Duration::ZERO);
    let later = now() + Duration::from_secs(1);
    backend.collect_garbage(later, retention).await.unwrap();
    for _ in 0..3 {
        backend.probe().await.unwrap();
    }
    // Nothing of the trial is left.
    let collected = backend.collect_garbage(later, retention).await.unwrap();
    assert_eq!(collected.blobs, 0);
}

#[tokio::test]
async fn what_is_removed_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let small = SqliteOptions::new(&path).with_max_size(1 << 20);
    let backend = SqliteBackend::open(small).await.unwrap();
    let finished = fill(&backend, Status::Final(FinalReason::Delivered)).await;
    let retention = Retention::default()
        .with_finished(Duration::ZERO)
        .with_orphaned(Duration::ZERO);
    let later = now() + Duration::from_secs(1);
    let collected = backend.collect_garbage(later, retention).await.unwrap();
    assert_eq!(collected.transactions, finished.len() as u64);
    // The body of a refused transaction may be there as well.
    assert!(collected.blobs >= finished.len() as u64);
    let again = fill(&backend, transaction(0).status).await;
    assert!(again.len() + 5 > finished.len(), "{}", again.len());
}

#[tokio::test]
async fn small_ones_pass_where_a_large_one_does_not_fit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let small = SqliteOptions::new(&path).with_max_size(1 << 20);
    let backend = SqliteBackend::open(small).await.unwrap();
    let inserts = [100, 100, 2_000_000, 100].map(|len| backend.insert(transaction(len)));
    let results = futures_util::future::join_all(inserts).await;
    let are_ok: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(are_ok, [true, true, false, true]);
    assert!(matches!(results[2], Err(BackendError::Full(_))));
}
