//! A database that is only inspected.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, os::unix::fs::PermissionsExt};

use koukan_core::storage::{
    Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{OpenError, SqliteBackend};

mod support;

use support::{now, tamper, transaction, versions::of_version};

#[tokio::test]
async fn it_is_read_beside_who_writes_and_after_and_nothing_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let writer = SqliteBackend::open(&path).await.unwrap();
    writer
        .open_session(SessionId::random(), now())
        .await
        .unwrap();
    let first = transaction(3);
    let id = first.id;
    writer.insert(first).await.unwrap();

    let reader = SqliteBackend::open_read_only(&path).await.unwrap();
    let found = reader.find(id).await.unwrap().unwrap();
    assert_eq!(found.id, id);
    // Later commits are seen, too.
    let second = transaction(3);
    let later = second.id;
    writer.insert(second).await.unwrap();
    assert!(reader.find(later).await.unwrap().is_some());
    reader.close().await;
    writer.close().await;

    // No lease of the previous agent is taken over.
    let octets = fs::read(&path).unwrap();
    let reader = SqliteBackend::open_read_only(&path).await.unwrap();
    let session = SessionId::random();
    let recovered = reader.open_session(session, now()).await.unwrap();
    assert_eq!(recovered.freed, 0);
    assert!(reader.find(id).await.unwrap().is_some());
    reader.insert(transaction(3)).await.unwrap_err();
    let leased = reader.lease_due(session, now(), Standing::Clear, 9, &[]);
    leased.await.unwrap_err();
    reader.probe().await.unwrap_err();
    assert_eq!(reader.census().await.unwrap().waiting, 2);
    // An agent can start meanwhile.
    let writer = SqliteBackend::open(&path).await.unwrap();
    writer.close().await;
    reader.close().await;
    assert_eq!(fs::read(&path).unwrap().len(), octets.len());
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    SqliteBackend::open(&path).await.unwrap().close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let reader = SqliteBackend::open_read_only(&path).await.unwrap();
    assert_eq!(reader.census().await.unwrap().waiting, 0);
}

#[tokio::test]
async fn what_is_no_database_of_this_version_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let error = SqliteBackend::open_read_only(at("none")).await.unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error:?}");
    assert!(!at("none").exists());

    fs::write(at("notes"), "no database\n".repeat(100)).unwrap();
    let error = SqliteBackend::open_read_only(at("notes"))
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");

    of_version(&at("old"), 8).await;
    let error = SqliteBackend::open_read_only(at("old")).await.unwrap_err();
    assert!(
        matches!(error, OpenError::OldSchema { version: 8, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("start the agent once"),
        "{error}"
    );

    SqliteBackend::open(at("new")).await.unwrap().close().await;
    let newer = "INSERT INTO _sqlx_migrations VALUES (99, 'x', '2030-01-01', 1, x'00', 1)";
    tamper(&at("new"), newer).await;
    let error = SqliteBackend::open_read_only(at("new")).await.unwrap_err();
    assert!(
        matches!(error, OpenError::UnknownSchema { version: 99, .. }),
        "{error:?}"
    );
}
