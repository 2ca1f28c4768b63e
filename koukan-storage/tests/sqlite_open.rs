//! Opening and closing a database.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;

use koukan_core::storage::{BackendError, Queue, Records, Sessions};
use koukan_storage::{OpenError, SqliteBackend};

mod support;

use support::{tamper, transaction};

#[tokio::test]
async fn a_missing_directory_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing/queue.sqlite");
    let error = SqliteBackend::open(path).await.unwrap_err();
    assert!(matches!(error, OpenError::NoDirectory { .. }), "{error:?}");
}

#[tokio::test]
async fn another_kind_of_file_is_an_error_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let text = "these are notes, and not a database at all\n".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    SqliteBackend::open(&path).await.unwrap().close().await;
    tamper(
        &path,
        "INSERT INTO _sqlx_migrations VALUES (99, 'x', '2030-01-01', 1, x'00', 1)",
    )
    .await;
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(
        matches!(error, OpenError::UnknownSchema { version: 99, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn whoever_waits_for_its_end_hears_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let database = SqliteBackend::open(&path).await.unwrap();
    let mut ended = std::pin::pin!(database.ended());
    tokio::select! {
        biased;
        () = &mut ended => panic!("it is open"),
        answer = database.probe() => answer.unwrap(),
    }
    database.close().await;
    ended.await;
    database.probe().await.unwrap_err();
}

#[tokio::test]
async fn a_database_is_for_one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let first = SqliteBackend::open(&path).await.unwrap();
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
    first.close().await;
    SqliteBackend::open(&path).await.unwrap();
}

#[tokio::test]
async fn close_writes_what_waits_and_leaves_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    let new: Vec<_> = (0..100).map(|_| transaction(100)).collect();
    let inserts = new.iter().map(|new| {
        let (backend, new) = (backend.clone(), new.clone());
        tokio::spawn(async move { backend.insert(new).await })
    });
    let inserts: Vec<_> = inserts.collect();
    tokio::task::yield_now().await;
    backend.close().await;
    backend.close().await;
    let mut acknowledged = Vec::new();
    for (new, insert) in new.iter().zip(inserts) {
        if insert.await.unwrap().is_ok() {
            acknowledged.push(new.id);
        }
    }
    let late = backend.insert(transaction(1)).await;
    assert!(matches!(late, Err(BackendError::Failed(_))), "{late:?}");
    let late = backend.find(new[0].id).await;
    assert!(matches!(late, Err(BackendError::Failed(_))), "{late:?}");
    assert!(!directory.path().join("queue.sqlite-wal").exists());

    let backend = SqliteBackend::open(&path).await.unwrap();
    for id in acknowledged {
        assert!(backend.find(id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_dropped_backend_lets_the_database_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    let new = transaction(100);
    backend.insert(new.clone()).await.unwrap();
    drop(backend);
    let backend = loop {
        match SqliteBackend::open(&path).await {
            Ok(backend) => break backend,
            Err(OpenError::Locked { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    };
    assert!(backend.find(new.id).await.unwrap().is_some());
}
