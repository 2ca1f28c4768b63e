//! Copies of a database.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, os::unix::fs::PermissionsExt};

use koukan_core::storage::{Blobs, Queue, Records};
use koukan_storage::{BackupError, OpenError, SqliteBackend, SqliteOptions};

mod support;

use support::{tamper, transaction};

#[tokio::test]
async fn a_copy_of_a_database_in_use_has_all_that_was_committed() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (
        directory.path().join("queue.sqlite"),
        directory.path().join("copy.sqlite"),
    );
    let backend = SqliteBackend::open(&path).await.unwrap();
    // Longer than a chunk.
    let queued = transaction(300_000);
    backend.insert(queued.clone()).await.unwrap();
    let backup = SqliteOptions::new(&path).back_up(&copy).await.unwrap();
    assert_eq!(backup.unfinished, 1);
    assert_eq!(backup.octets, fs::metadata(&copy).unwrap().len());
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The database itself goes on.
    backend.insert(transaction(10)).await.unwrap();
    let restored = SqliteBackend::open(&copy).await.unwrap();
    let found = restored.find(queued.id).await.unwrap().unwrap();
    assert_eq!(found.recipients, queued.recipients);
    let blob = queued.body.unwrap().blob;
    let mut octets = 0;
    while octets < 300_000 {
        octets += restored.read_blob(blob, octets).await.unwrap().len() as u64;
    }
    restored.insert(transaction(10)).await.unwrap();
    backend.close().await;
    restored.close().await;
    let mut left: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    left.sort();
    assert_eq!(left, ["copy.sqlite", "queue.sqlite"]);
}

#[tokio::test]
async fn commits_go_on_while_a_copy_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(&path).await.unwrap();
    for _ in 0..50 {
        backend.insert(transaction(100_000)).await.unwrap();
    }
    let copies = (0..4).map(|n| {
        let copy = directory.path().join(format!("copy{n}.sqlite"));
        let options = SqliteOptions::new(&path);
        tokio::spawn(async move { options.back_up(copy).await })
    });
    let copies: Vec<_> = copies.collect();
    for _ in 0..50 {
        backend.insert(transaction(1000)).await.unwrap();
    }
    for copy in copies {
        let backup = copy.await.unwrap().unwrap();
        assert!((50..=100).contains(&backup.unfinished), "{backup:?}");
    }
    backend.close().await;
}

#[tokio::test]
async fn what_is_there_is_not_overwritten_and_nothing_is_left_of_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let backend = SqliteBackend::open(at("queue.sqlite")).await.unwrap();
    let options = SqliteOptions::new(at("queue.sqlite"));
    fs::write(at("notes"), "mine").unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("link")).unwrap();
    for taken in ["notes", "link", "queue.sqlite"] {
        let error = options.back_up(at(taken)).await.unwrap_err();
        assert!(matches!(error, BackupError::Exists { .. }), "{error:?}");
    }
    assert_eq!(fs::read_to_string(at("notes")).unwrap(), "mine");
    let error = options.back_up(at("missing/copy")).await.unwrap_err();
    assert!(matches!(error, BackupError::NotWritten { .. }), "{error:?}");
    // A file that an earlier copy left is replaced.
    fs::write(at("copy.part"), "half").unwrap();
    options.back_up(at("copy")).await.unwrap();
    assert!(!at("copy.part").exists());
    backend.close().await;
    fs::copy(at("queue.sqlite"), at("other")).unwrap();

    let error = SqliteOptions::new(at("none")).back_up(at("copy2")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, BackupError::NoDatabase { .. }), "{error:?}");
    let error = SqliteOptions::new(at("notes")).back_up(at("copy2")).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, BackupError::Database(OpenError::NotADatabase { .. })),
        "{error:?}"
    );
    let foreign = "PRAGMA application_id = 1; DROP TABLE transactions";
    tamper(&at("other"), foreign).await;
    let error = SqliteOptions::new(at("other")).back_up(at("copy2")).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, BackupError::Database(OpenError::Foreign { .. })),
        "{error:?}"
    );
    assert!(!at("copy2").exists() && !at("copy2.part").exists());
}
