//! Versions of the schema.
//!
//! The text of a migration is frozen once it was released: a database remembers the checksum of
//! what made it. A change is a new file.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

const MIGRATIONS: [(&str, &str); 10] = [
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
    (
        "companions",
        include_str!("../../migrations/sqlite/0009_companions.sql"),
    ),
    (
        "events",
        include_str!("../../migrations/sqlite/0010_events.sql"),
    ),
];

pub(super) fn migrator() -> Migrator {
    let migrations = MIGRATIONS.into_iter().zip(1..);
    let migrations = migrations.map(|((description, text), version)| {
        let description = Cow::Borrowed(description);
        let kind = MigrationType::Simple;
        Migration::new(version, description, kind, text.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_released_never_changes() {
        let checksums = [
            "fb05f494cc0384d3",
            "ad8d4cad67a61cbe",
            "99d7557e9a26618c",
            "b6ccddccaf3617b6",
            "4439c55b805aa8ea",
            "85e8909a81c669a1",
            "5e42961825f6e60b",
            "19a2021513ec5696",
            "58753c3e6772a9ad",
            "789c5edf3616359c",
        ];
        assert_eq!(MIGRATIONS.len(), checksums.len());
        for (migration, checksum) in migrator().iter().zip(checksums) {
            let hex: String = migration.checksum[..8]
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect();
            assert_eq!(hex, checksum, "migration {}", migration.version);
        }
    }
}
