//! Databases made by older versions.

use std::{borrow::Cow, path::Path};

use sqlx::{
    ConnectOptions, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::SqliteConnectOptions,
};

const MIGRATIONS: [(&str, &str); 8] = [
    (
        "initial",
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    ),
    (
        "rest",
        include_str!("../../migrations/sqlite/0002_rest.sql"),
    ),
    (
        "suspects",
        include_str!("../../migrations/sqlite/0003_suspects.sql"),
    ),
    (
        "request_digest",
        include_str!("../../migrations/sqlite/0004_request_digest.sql"),
    ),
    (
        "destinations",
        include_str!("../../migrations/sqlite/0005_destinations.sql"),
    ),
    (
        "message_keys",
        include_str!("../../migrations/sqlite/0006_message_keys.sql"),
    ),
    (
        "attempts",
        include_str!("../../migrations/sqlite/0007_attempts.sql"),
    ),
    (
        "held",
        include_str!("../../migrations/sqlite/0008_held.sql"),
    ),
];

/// Brings a new database to a version of the schema.
pub(crate) async fn of_version(path: &Path, version: usize) {
    let migrations = MIGRATIONS[..version].iter().zip(1..);
    let migrations = migrations.map(|((name, text), version)| {
        let kind = MigrationType::Simple;
        let text = text.into_sql_str();
        Migration::new(version, Cow::Borrowed(*name), kind, text, false)
    });
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let migrator = Migrator::with_migrations(migrations.collect());
    let migrated = migrator.run_direct(None, &mut connection, false).await;
    migrated.unwrap();
}
