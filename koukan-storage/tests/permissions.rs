//! Only the owner can read messages.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use koukan_core::storage::Queue;
use koukan_storage::{SqliteBackend, TempSpill};

mod support;

use support::transaction;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Asserts that only the owner can access the files in a directory.
fn assert_private(directory: &Path) {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    let expected = [
        "queue.sqlite",
        "queue.sqlite-shm",
        "queue.sqlite-wal",
        "queue.sqlite.lock",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn files_of_a_new_database_are_for_their_owner() {
    let directory = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(directory.path().join("queue.sqlite"))
        .await
        .unwrap();
    backend.insert(transaction(100_000)).await.unwrap();
    assert_private(directory.path());
}

#[tokio::test]
async fn files_of_an_earlier_version_are_taken_from_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    SqliteBackend::open(&path).await.unwrap().close().await;
    for name in ["queue.sqlite", "queue.sqlite.lock"] {
        let everybody = Permissions::from_mode(0o666);
        fs::set_permissions(directory.path().join(name), everybody).unwrap();
    }
    let backend = SqliteBackend::open(&path).await.unwrap();
    backend.insert(transaction(100)).await.unwrap();
    assert_private(directory.path());
}

#[tokio::test]
async fn directories_that_are_made_are_for_their_owner_and_others_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("there");
    fs::create_dir(&there).unwrap();
    fs::set_permissions(&there, Permissions::from_mode(0o755)).unwrap();
    let spill = there.join("new/spill");
    TempSpill::open(&spill).unwrap();
    assert_eq!(mode(&spill), 0o700);
    assert_eq!(mode(&there.join("new")), 0o700);
    assert_eq!(mode(&there), 0o755);
}
