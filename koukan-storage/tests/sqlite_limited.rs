//! Files that cannot grow, as on a full disk or over a quota.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use koukan_core::storage::{
    Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{OpenError, SqliteBackend, SqliteOptions};
use tempfile::TempDir;

mod support;

use support::{now, transaction};

const DATABASE: &str = "KOUKAN_LIMITED_TEST_DATABASE";

fn options(path: &Path) -> SqliteOptions {
    SqliteOptions::new(path).with_reserve(1 << 20)
}

/// A closed database with a reserve beside it.
async fn database() -> (PathBuf, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let backend = SqliteBackend::open(options(&path)).await.unwrap();
    backend.insert(transaction(100)).await.unwrap();
    backend.close().await;
    assert!(reserve(&path).exists());
    (path, directory)
}

fn reserve(path: &Path) -> PathBuf {
    path.with_extension("sqlite.reserve")
}

/// Runs a test of this file in a process whose files cannot grow beyond so many octets.
fn run_within(octets: u64, test: &str, path: &Path) {
    // An ignored signal is still ignored in the program that replaces the shell.
    let limit = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
        octets / 512
    );
    let output = Command::new("sh")
        .args(["-c", &limit])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DATABASE, path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The database, in the process with the limit.
fn given() -> Option<PathBuf> {
    env::var_os(DATABASE).map(PathBuf::from)
}

#[tokio::test]
async fn a_start_without_room_releases_the_reserve_and_names_the_cause() {
    let Some(path) = given() else {
        let (path, _directory) = database().await;
        // The index of the log has 32 KiB.
        let name = "a_start_without_room_releases_the_reserve_and_names_the_cause";
        run_within(16 << 10, name, &path);
        assert!(!reserve(&path).exists());
        let backend = SqliteBackend::open(options(&path)).await.unwrap();
        assert_eq!(backend.census().await.unwrap().waiting, 1);
        return;
    };
    let error = SqliteBackend::open(options(&path)).await.unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("the disk is full"), "{error}");
}

#[tokio::test]
async fn no_write_fails_where_the_reserve_makes_room_for_it() {
    let Some(path) = given() else {
        let (path, _directory) = database().await;
        let len = fs::metadata(&path).unwrap().len();
        let name = "no_write_fails_where_the_reserve_makes_room_for_it";
        run_within(len + (128 << 10), name, &path);
        return;
    };
    let backend = SqliteBackend::open(options(&path)).await.unwrap();
    let session = SessionId::random();
    let log = path.with_extension("sqlite-wal");
    let (mut longest, mut was_let_go) = (0, false);
    backend.open_session(session, now()).await.unwrap();
    for _ in 0..300 {
        let due = backend.lease_due(session, now(), Standing::Clear, 10, &[]);
        let [leased] = &due.await.unwrap()[..] else {
            panic!("it was released");
        };
        let released = backend.release(leased.transaction.id, session, leased.fence);
        released.await.unwrap();
        longest = longest.max(fs::metadata(&log).unwrap().len());
        was_let_go |= !reserve(&path).exists();
    }
    assert!(was_let_go, "the log has {longest} octets at most");
    assert_eq!(backend.census().await.unwrap().waiting, 1);
}
