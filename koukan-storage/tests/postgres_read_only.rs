//! A PostgreSQL database that is only inspected.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use koukan_core::storage::{
    Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions};

use self::{
    postgres::{database, execute},
    support::{now, transaction},
};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap()
}

#[tokio::test]
async fn it_is_read_beside_who_writes_and_after_and_nothing_is_changed() {
    let url = database();
    let writer = PostgresBackend::open(options(&url)).await.unwrap();
    let working = SessionId::random();
    writer.open_session(working, now()).await.unwrap();
    let first = transaction(3);
    let id = first.id;
    writer.insert(first).await.unwrap();
    let leased = writer.lease_due(working, now(), Standing::Clear, 9, &[]);
    assert_eq!(leased.await.unwrap().len(), 1);

    let reader = PostgresBackend::open_read_only(options(&url))
        .await
        .unwrap();
    // Looking takes nothing over, and is nobody to be counted.
    let session = SessionId::random();
    let recovered = reader.open_session(session, now()).await.unwrap();
    assert_eq!(recovered.freed, 0);
    assert_eq!(execute(&url, "SELECT count(*) FROM sessions").trim(), "1");
    assert_eq!(reader.find(id).await.unwrap().unwrap().id, id);
    // Later commits are seen, too.
    let second = transaction(3);
    let later = second.id;
    writer.insert(second).await.unwrap();
    assert!(reader.find(later).await.unwrap().is_some());
    reader.insert(transaction(3)).await.unwrap_err();
    let leased = reader.lease_due(session, now(), Standing::Clear, 9, &[]);
    leased.await.unwrap_err();
    reader.probe().await.unwrap_err();
    writer.close().await;
    assert_eq!(reader.census().await.unwrap().waiting, 1);
    reader.close().await;
}

#[tokio::test]
async fn what_is_no_database_of_this_version_is_told() {
    let url = database();
    let open = async || PostgresBackend::open_read_only(options(&url)).await;
    let error = open().await.unwrap_err();
    assert!(matches!(error, PostgresError::Empty { .. }), "{error:?}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    assert_eq!(execute(&url, tables).trim(), "0");
    options(&url).migrate().await.unwrap();
    let next = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (9999, 'later', TRUE, '', 0)";
    execute(&url, next);
    let error = open().await.unwrap_err();
    let is_newer = matches!(error, PostgresError::UnknownSchema { version: 9999, .. });
    assert!(is_newer, "{error:?}");
    execute(&url, "DELETE FROM _sqlx_migrations WHERE version > 24");
    let error = open().await.unwrap_err();
    let is_old = matches!(error, PostgresError::OldSchema { version: 24, .. });
    assert!(is_old, "{error:?}");
    let nobody = options("postgres://koukan@127.0.0.1:1/nothing");
    let error = PostgresBackend::open_read_only(nobody).await.unwrap_err();
    assert!(
        matches!(error, PostgresError::Unreachable { .. }),
        "{error:?}"
    );
}
