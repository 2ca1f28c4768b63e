//! Files of a database that are deleted, replaced or damaged while it is in use.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    error::Error,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use koukan_core::storage::{
    BackendError, Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{SqliteBackend, SqliteOptions};
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

/// An open database of some size, and how long its main file is.
async fn large() -> (SqliteBackend, TempDir, PathBuf, u64) {
    let (backend, directory, path) = open().await;
    for _ in 0..20 {
        backend.insert(transaction(20_000)).await.unwrap();
    }
    backend.close().await;
    let backend = SqliteBackend::open(&path).await.unwrap();
    let len = fs::metadata(&path).unwrap().len();
    (backend, directory, path, len)
}

/// Nothing is written, nothing is read, and the log stays as it is when the agent stops.
async fn assert_is_damaged(backend: &SqliteBackend, path: &Path) {
    let told = [
        told(backend.insert(transaction(100)).await),
        told(backend.census().await),
        told(backend.find(transaction(0).id).await),
        told(backend.probe().await),
    ];
    for told in told {
        assert!(told.contains("is damaged"), "{told}");
        assert!(told.contains("restore it"), "{told}");
    }
    let log = beside(path, "-wal");
    let before = (fs::read(path).unwrap(), fs::read(&log).unwrap());
    backend.close().await;
    assert_eq!((fs::read(path).unwrap(), fs::read(&log).unwrap()), before);
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

#[tokio::test]
async fn a_database_that_is_truncated_while_it_is_in_use_takes_no_mail() {
    for part in [10, 2] {
        let (backend, _directory, path, len) = large().await;
        backend.insert(transaction(100)).await.unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(len / part / 4096 * 4096).unwrap();
        assert_is_damaged(&backend, &path).await;
    }
}

#[tokio::test]
async fn a_database_over_which_a_backup_is_copied_takes_no_mail() {
    for is_longer in [false, true] {
        let (backend, directory, path, len) = large().await;
        let other = directory.path().join("other.sqlite");
        let copied = if is_longer { 30 } else { 0 };
        let copied_from = SqliteBackend::open(&other).await.unwrap();
        for _ in 0..copied {
            copied_from.insert(transaction(40_000)).await.unwrap();
        }
        copied_from.close().await;
        let copy = directory.path().join("copy.sqlite");
        SqliteOptions::new(&other).back_up(&copy).await.unwrap();
        assert_eq!(fs::metadata(&copy).unwrap().len() > len, is_longer);
        backend.insert(transaction(100)).await.unwrap();
        fs::copy(&copy, &path).unwrap();
        assert_is_damaged(&backend, &path).await;
    }
}

#[tokio::test]
async fn a_database_with_an_earlier_state_copied_over_it_takes_no_mail() {
    let (backend, directory, path, _) = large().await;
    let earlier = directory.path().join("earlier");
    fs::copy(&path, &earlier).unwrap();
    for _ in 0..200 {
        backend.insert(transaction(40_000)).await.unwrap();
    }
    let written = || fs::metadata(&path).unwrap().len() > fs::metadata(&earlier).unwrap().len();
    assert!(written(), "a checkpoint was due");
    fs::copy(&earlier, &path).unwrap();
    assert_is_damaged(&backend, &path).await;
}

#[tokio::test]
async fn damage_that_a_read_or_a_write_meets_ends_all_work() {
    for is_met_by_read in [true, false] {
        let (backend, _directory, path, len) = large().await;
        let file = File::options().write(true).open(&path).unwrap();
        // The header stays as it is.
        for page in 1..len / 4096 {
            file.write_all_at(&[0xa5; 4096], page * 4096).unwrap();
        }
        let met = match is_met_by_read {
            true => backend.census().await.map(drop),
            false => backend.insert(transaction(100)).await,
        };
        assert!(matches!(met, Err(BackendError::Failed(_))), "{met:?}");
        assert_is_damaged(&backend, &path).await;
    }
}

#[tokio::test]
async fn another_program_may_write_and_copy_the_log() {
    for mode in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
        let (backend, _directory, path, _) = large().await;
        backend.insert(transaction(100)).await.unwrap();
        for round in 0..3 {
            let sql = format!("CREATE TABLE other{round} (x); PRAGMA wal_checkpoint({mode})");
            let before = fs::read(&path).unwrap();
            tamper(&path, sql).await;
            assert!(
                before != fs::read(&path).unwrap(),
                "{mode}: nothing was copied"
            );
            backend.census().await.unwrap();
            backend.insert(transaction(100)).await.unwrap();
        }
        backend.probe().await.unwrap();
    }
}

#[tokio::test]
async fn its_own_checkpoints_are_no_damage() {
    let (backend, _directory, path, len) = large().await;
    let session = SessionId::random();
    let reads = async {
        // As many as find a checkpoint under way.
        for _ in 0..2000 {
            backend.census().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let writes = async {
        for _ in 0..300 {
            backend.insert(transaction(60_000)).await.unwrap();
        }
        backend.open_session(session, now()).await.unwrap();
    };
    tokio::join!(reads, writes);
    assert!(
        fs::metadata(&path).unwrap().len() > len,
        "nothing was copied"
    );
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
