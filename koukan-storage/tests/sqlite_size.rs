//! The size of the database's file.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, path::Path, time::Duration};

use koukan_core::storage::{
    Blobs, Queue, Records, Retention, Sessions,
    record::{FinalReason, Status},
};
use koukan_storage::SqliteBackend;

mod support;

use support::{now, tamper, transaction};

const MIB: u64 = 1 << 20;

/// Fills a database with finished transactions, and has them removed.
async fn burst(backend: &SqliteBackend) {
    let inserts = (0..300).map(|_| {
        let mut new = transaction(100_000);
        new.status = Status::Final(FinalReason::Delivered);
        backend.insert(new)
    });
    for result in futures_util::future::join_all(inserts).await {
        result.unwrap();
    }
    let retention = Retention::default()
        .with_finished(Duration::ZERO)
        .with_orphaned(Duration::ZERO);
    let later = now() + Duration::from_secs(1);
    while backend.collect_garbage(later, retention).await.unwrap() != Default::default() {}
}

/// Waits until the file is smaller than `octets`.
async fn shrinks_below(path: &Path, octets: u64) {
    let size = || fs::metadata(path).unwrap().len();
    let shrunk = async {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        while size() >= octets {
            looks.tick().await;
        }
    };
    let shrunk = tokio::time::timeout(Duration::from_secs(60), shrunk).await;
    assert!(shrunk.is_ok(), "{} octets", size());
}

#[tokio::test]
async fn the_file_shrinks_when_there_is_nothing_else_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    let kept = transaction(100_000);
    backend.insert(kept.clone()).await.unwrap();
    burst(&backend).await;
    shrinks_below(&path, 8 * MIB).await;
    let body = backend.find(kept.id).await.unwrap().unwrap().body.unwrap();
    assert!(!backend.read_blob(body.blob, 0).await.unwrap().is_empty());
    let log = fs::metadata(directory.path().join("queue.sqlite-wal")).unwrap();
    assert!(log.len() < 24 * MIB, "{}", log.len());
}

#[tokio::test]
async fn a_small_database_of_an_earlier_version_shrinks_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    SqliteBackend::open(&path).await.unwrap().close().await;
    tamper(
        &path,
        "PRAGMA journal_mode = DELETE; PRAGMA application_id = 0; PRAGMA auto_vacuum = 0; VACUUM",
    )
    .await;
    let backend = SqliteBackend::open(&path).await.unwrap();
    burst(&backend).await;
    shrinks_below(&path, 8 * MIB).await;
}
