//! Versions of the schema.
//!
//! The text of a migration is frozen once it was released: a database remembers the checksum of
//! what made it. A change is a new file.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// The version of each, its name, and its text.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "initial",
        include_str!("../../migrations/sqlite/0001_initial.sql"),
    ),
    (
        2,
        "rest",
        include_str!("../../migrations/sqlite/0002_rest.sql"),
    ),
    (
        3,
        "suspects",
        include_str!("../../migrations/sqlite/0003_suspects.sql"),
    ),
    (
        4,
        "request_digest",
        include_str!("../../migrations/sqlite/0004_request_digest.sql"),
    ),
    (
        5,
        "destinations",
        include_str!("../../migrations/sqlite/0005_destinations.sql"),
    ),
    (
        6,
        "message_keys",
        include_str!("../../migrations/sqlite/0006_message_keys.sql"),
    ),
    (
        7,
        "attempts",
        include_str!("../../migrations/sqlite/0007_attempts.sql"),
    ),
    (
        8,
        "held",
        include_str!("../../migrations/sqlite/0008_held.sql"),
    ),
    (
        9,
        "companions",
        include_str!("../../migrations/sqlite/0009_companions.sql"),
    ),
    (
        10,
        "events",
        include_str!("../../migrations/sqlite/0010_events.sql"),
    ),
    (
        12,
        "suspensions",
        include_str!("../../migrations/sqlite/0012_suspensions.sql"),
    ),
    (
        14,
        "send_at",
        include_str!("../../migrations/sqlite/0014_send_at.sql"),
    ),
    (
        16,
        "cursors",
        include_str!("../../migrations/sqlite/0016_cursors.sql"),
    ),
    (
        17,
        "conversations",
        include_str!("../../migrations/sqlite/0017_conversations.sql"),
    ),
    (
        19,
        "suppressions",
        include_str!("../../migrations/sqlite/0019_suppressions.sql"),
    ),
];

pub(super) fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().copied();
    let migrations = migrations.map(|(version, description, text)| {
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
            (1, "fb05f494cc0384d3"),
            (2, "ad8d4cad67a61cbe"),
            (3, "99d7557e9a26618c"),
            (4, "b6ccddccaf3617b6"),
            (5, "4439c55b805aa8ea"),
            (6, "85e8909a81c669a1"),
            (7, "5e42961825f6e60b"),
            (8, "19a2021513ec5696"),
            (9, "58753c3e6772a9ad"),
            (10, "789c5edf3616359c"),
            (12, "6398b0868cb400bf"),
            (14, "540d7df89798ea0a"),
            (16, "ee9132c38154317f"),
            (17, "9e617a45b963f7ed"),
            (19, "000a78e3c631afc0"),
        ];
        assert_eq!(MIGRATIONS.len(), checksums.len());
        for (migration, checksum) in migrator().iter().zip(checksums) {
            let hex: String = migration.checksum[..8]
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect();
            assert_eq!((migration.version, &*hex), checksum);
        }
    }
}
