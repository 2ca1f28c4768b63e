//! Files that may be found in place of the database.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use koukan_core::storage::{Queue, Records};
use koukan_storage::{OpenError, SqliteBackend, SqliteOptions};
use tempfile::TempDir;

mod support;

use support::{tamper, transaction};

fn place() -> (PathBuf, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (directory.path().join("queue.sqlite"), directory)
}

/// A closed database of some size.
async fn database() -> (PathBuf, TempDir) {
    let (path, directory) = place();
    let backend = SqliteBackend::open(&path).await.unwrap();
    for _ in 0..20 {
        backend.insert(transaction(20_000)).await.unwrap();
    }
    backend.close().await;
    (path, directory)
}

/// The error of opening. The file stays as it is.
async fn refused(path: &Path) -> OpenError {
    let before = fs::read(path).ok();
    let error = SqliteBackend::open(path).await.unwrap_err();
    assert_eq!(fs::read(path).ok(), before);
    error
}

#[tokio::test]
async fn an_empty_file_is_not_taken_for_an_empty_queue() {
    let (path, _directory) = place();
    File::create(&path).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Empty { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains("remove the file to begin with an empty queue"),
        "{told}"
    );
    fs::remove_file(&path).unwrap();
    SqliteBackend::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_damaged() {
    for len in [100, 4096, 5000, 40_960] {
        let (path, _directory) = database().await;
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(len)
            .unwrap();
        let error = refused(&path).await;
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{len}: {error:?}"
        );
    }
    let (path, _directory) = database().await;
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(50)
        .unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
}

#[tokio::test]
async fn pages_that_were_overwritten_are_damage() {
    let (path, _directory) = database().await;
    let file = File::options().write(true).open(&path).unwrap();
    for page in 1..12 {
        file.write_all_at(&[0xa5; 4096], page * 4096).unwrap();
    }
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_whose_beginning_was_overwritten_is_none() {
    let (path, _directory) = database().await;
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0; 4096], 0).unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_of_another_program_stays_as_it_is() {
    let (path, _directory) = place();
    other_database(&path, "CREATE TABLE notes (text TEXT)").await;
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[tokio::test]
async fn a_database_without_tables_is_no_empty_queue() {
    let (path, _directory) = place();
    other_database(&path, "PRAGMA user_version = 1").await;
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    let (path, _directory) = database().await;
    tamper(&path, "DROP TABLE chunks").await;
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_without_its_database_is_kept() {
    let (path, directory) = place();
    let log = directory.path().join("queue.sqlite-wal");
    fs::write(&log, "mail").unwrap();
    let error = refused(&path).await;
    assert!(matches!(error, OpenError::LogAlone { .. }), "{error:?}");
    assert_eq!(fs::read(&log).unwrap(), b"mail");
    assert!(!path.exists());
}

/// All files of a database whose process was killed, with this many messages.
async fn killed(messages: usize) -> (PathBuf, TempDir) {
    let (path, directory) = database().await;
    let backend = SqliteBackend::open(&path).await.unwrap();
    for _ in 0..messages {
        backend.insert(transaction(20_000)).await.unwrap();
    }
    let (image, place) = self::place();
    for suffix in ["", "-wal"] {
        fs::copy(beside(&path, suffix), beside(&image, suffix)).unwrap();
    }
    backend.close().await;
    drop(directory);
    (image, place)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", path.display()).into()
}

#[tokio::test]
async fn the_log_of_a_damaged_database_is_kept_until_the_database_is_restored() {
    let (path, _directory) = killed(12).await;
    let read = || {
        (
            fs::read(&path).unwrap(),
            fs::read(beside(&path, "-wal")).ok(),
        )
    };
    let (whole, log) = read();
    assert!(log.as_ref().is_some_and(|log| log.len() > 100_000));
    let half = &whole[..whole.len() / 2 / 4096 * 4096];
    fs::write(&path, half).unwrap();
    let before = read();
    let options = || SqliteOptions::new(&path);
    let address = "alice@example.com".parse().unwrap();
    let errors = [
        options().check().await.unwrap_err(),
        SqliteBackend::open(options()).await.unwrap_err(),
        options().migrate().await.unwrap_err(),
        options().forget(&address).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    }
    assert!(read() == before, "the files have changed");

    fs::write(&path, whole).unwrap();
    let backend = SqliteBackend::open(&path).await.unwrap();
    assert_eq!(backend.census().await.unwrap().waiting, 32);
}

/// What is wrong with the log of a database whose process was killed, and how many of its 32 messages are
/// there then.
async fn with_log(change: impl FnOnce(&mut Vec<u8>)) -> (Result<(), OpenError>, u64, bool) {
    let (path, _directory) = killed(12).await;
    let mut log = fs::read(beside(&path, "-wal")).unwrap();
    change(&mut log);
    fs::write(beside(&path, "-wal"), &log).unwrap();
    let checked = SqliteOptions::new(&path).check().await.map(|_| ());
    let backend = SqliteBackend::open(&path).await.unwrap();
    let there = backend.census().await.unwrap().waiting;
    backend.close().await;
    let copy = fs::read(beside(&path, "-wal.damaged"));
    let is_kept = copy.is_ok_and(|copy| copy == log);
    (checked, there, is_kept)
}

#[tokio::test]
async fn a_damaged_log_is_kept_and_told_of() {
    let damages: [fn(&mut Vec<u8>); 5] = [
        |log| log[30_000..32_000].fill(0xa5),
        |log| log[100_000] ^= 1,
        |log| log[..32].fill(0),
        |log| log[..512].fill(0),
        |log| log[..4096].fill(0xa5),
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let (checked, there, is_kept) = with_log(damage).await;
        let is_told = matches!(checked, Err(OpenError::DamagedLog { commits, .. }) if commits > 0);
        assert!(is_told, "{number}: {checked:?}");
        assert!(there < 32, "{number}: {there}");
        assert!(is_kept, "{number}");
    }
}

#[tokio::test]
async fn copies_of_damaged_logs_are_all_kept() {
    let (path, _directory) = killed(12).await;
    let image = [fs::read(&path).unwrap(), {
        let mut log = fs::read(beside(&path, "-wal")).unwrap();
        log[30_000..32_000].fill(0xa5);
        log
    }];
    for suffix in ["-wal.damaged", "-wal.damaged2"] {
        fs::write(&path, &image[0]).unwrap();
        fs::write(beside(&path, "-wal"), &image[1]).unwrap();
        SqliteBackend::open(&path).await.unwrap().close().await;
        assert!(
            fs::read(beside(&path, suffix)).unwrap() == image[1],
            "{suffix}"
        );
    }
}

#[tokio::test]
async fn the_end_of_a_log_that_was_not_written_is_no_damage() {
    // After a loss of power any of the last pages may be missing.
    let ends: [fn(&mut Vec<u8>); 5] = [
        |_| {},
        |log| log.truncate(log.len() - 5000),
        |log| {
            let len = log.len();
            log[len - 5000..].fill(0);
        },
        |log| {
            let len = log.len();
            log[len - 3 * 4120..len - 2 * 4120].fill(0);
        },
        |log| log.clear(),
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let (checked, there, is_kept) = with_log(end).await;
        checked.unwrap();
        assert!(there >= 20, "{number}: {there}");
        assert_eq!(there == 32, number == 0, "{number}: {there}");
        assert!(!is_kept, "{number}");
    }
}

#[tokio::test]
async fn a_check_changes_nothing_and_leaves_no_files() {
    for (path, directory) in [database().await, killed(3).await] {
        let names = || {
            let names = fs::read_dir(directory.path()).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            // The index of the log, which is made from the log.
            let mut names: Vec<_> = names.filter(|name| !name.ends_with("-shm")).collect();
            names.sort();
            names
        };
        let (before, there) = (fs::read(&path).unwrap(), names());
        let schema = SqliteOptions::new(&path).check().await.unwrap();
        assert!(schema.is_known());
        assert_eq!(schema.pending().count(), 0);
        assert!(fs::read(&path).unwrap() == before);
        assert_eq!(names(), there);
    }
    let (path, _directory) = place();
    assert!(
        SqliteOptions::new(&path)
            .check()
            .await
            .unwrap()
            .pending()
            .count()
            > 0
    );
    assert!(!path.exists());
    let (path, _directory) = database().await;
    let _backend = SqliteBackend::open(&path).await.unwrap();
    let error = SqliteOptions::new(&path).check().await.unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
}

#[tokio::test]
async fn a_directory_and_a_link_that_leads_nowhere_are_no_files() {
    let (path, _directory) = place();
    fs::create_dir(&path).unwrap();
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::NotAFile { .. }), "{error:?}");
    let (path, directory) = place();
    let nowhere = directory.path().join("nowhere");
    std::os::unix::fs::symlink(&nowhere, &path).unwrap();
    let error = SqliteBackend::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
    assert!(!nowhere.exists());
}

#[tokio::test]
async fn what_a_crash_left_of_a_new_database_is_no_hindrance() {
    let (path, directory) = place();
    fs::write(directory.path().join("queue.sqlite.new"), "half").unwrap();
    fs::write(directory.path().join("queue.sqlite.new-journal"), "half").unwrap();
    let backend = SqliteBackend::open(&path).await.unwrap();
    backend.insert(transaction(1)).await.unwrap();
    backend.close().await;
    let mut left: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["queue.sqlite", "queue.sqlite.lock"]);
}

/// A database of another program.
async fn other_database(path: &Path, sql: &str) {
    // SQLite takes an empty file for a database without tables.
    File::create(path).unwrap();
    tamper(path, sql).await;
}
