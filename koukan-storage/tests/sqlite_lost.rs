//! Files of a database that are deleted, replaced or emptied while it is in use.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    error::Error,
    fs::{self, File},
    path::PathBuf,
};

use koukan_core::storage::{
    BackendError, Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::SqliteBackend;
use tempfile::TempDir;

mod support;

use support::{now, tamper, transaction};

async fn open() -> (SqliteBackend, TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    backend.insert(transaction(100)).await.unwrap();
    (backend, directory, path)
}

#[track_caller]
fn told<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
    match result {
        Err(BackendError::Failed(cause)) => cause.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Nothing is written, nothing is read.
async fn assert_is_lost(backend: &SqliteBackend, name: &str) {
    let session = SessionId::random();
    let told = [
        told(backend.insert(transaction(100)).await),
        told(backend.census().await),
        told(backend.next_due(Standing::Clear, &[]).await),
        told(backend.find(transaction(0).id).await),
        told(
            backend
                .lease_due(session, now(), Standing::Clear, 10, &[])
                .await,
        ),
        told(backend.probe().await),
    ];
    for told in told {
        assert!(told.contains(name), "{told}");
        assert!(told.contains("put it back, or start again"), "{told}");
    }
}

#[tokio::test]
async fn each_file_that_is_deleted_is_missed() {
    for name in [
        "queue.sqlite",
        "queue.sqlite-wal",
        "queue.sqlite-shm",
        "queue.sqlite.lock",
    ] {
        let (backend, directory, _) = open().await;
        fs::remove_file(directory.path().join(name)).unwrap();
        assert_is_lost(&backend, name).await;
        assert!(
            !directory.path().join(name).exists(),
            "an empty one was made"
        );
    }
}

#[tokio::test]
async fn a_directory_that_is_deleted_is_missed() {
    let (backend, directory, _) = open().await;
    fs::remove_dir_all(directory.path()).unwrap();
    assert_is_lost(&backend, "queue.sqlite").await;
}

#[tokio::test]
async fn a_file_that_is_replaced_by_a_copy_is_missed() {
    let (backend, directory, path) = open().await;
    let copy = directory.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_is_lost(&backend, "queue.sqlite").await;
}

#[tokio::test]
async fn a_database_that_is_emptied_in_its_place_is_missed() {
    let (backend, _directory, path) = open().await;
    File::options()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    assert_is_lost(&backend, "queue.sqlite").await;
}

#[tokio::test]
async fn a_probe_misses_each_table() {
    for table in ["transactions", "blobs", "chunks", "parts"] {
        let (backend, _directory, path) = open().await;
        backend.probe().await.unwrap();
        tamper(&path, format!("DROP TABLE {table}")).await;
        let told = told(backend.probe().await);
        assert!(told.contains(table), "{told}");
    }
}

#[tokio::test]
async fn what_is_put_back_is_used_again_with_all_that_was_acknowledged() {
    let (backend, directory, path) = open().await;
    let aside = directory.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    let error = backend.insert(transaction(100)).await.unwrap_err();
    assert!(error.source().is_some());
    assert!(!path.exists(), "an empty database was made");
    fs::rename(&aside, &path).unwrap();
    backend.insert(transaction(100)).await.unwrap();
    backend.close().await;
    let backend = SqliteBackend::open(&path).await.unwrap();
    assert_eq!(backend.census().await.unwrap().waiting, 2);
}

#[tokio::test]
async fn a_link_may_lead_to_the_database_and_not_elsewhere_later() {
    let directory = tempfile::tempdir().unwrap();
    let [real, other] = ["real", "other"].map(|name| directory.path().join(name));
    for path in [&real, &other] {
        SqliteBackend::open(path).await.unwrap().close().await;
    }
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let backend = SqliteBackend::open(&link).await.unwrap();
    backend.insert(transaction(100)).await.unwrap();
    // One database has one lock, whichever path is used.
    SqliteBackend::open(&real).await.unwrap_err();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    assert_is_lost(&backend, "link").await;
}
