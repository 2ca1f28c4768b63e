//! Versions of the schema.
//!
//! The text of a migration is frozen once it is released, since a database remembers its checksum.
//! A change is a new file.

use sqlx::migrate::Migrator;

use crate::migrator::{self, Version};

const MIGRATIONS: &[Version] = &[
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
    migrator::of(MIGRATIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_released_never_changes() {
        let checksums = [
            (1, "fb05f494cc0384d3".to_owned()),
            (2, "ad8d4cad67a61cbe".to_owned()),
            (3, "99d7557e9a26618c".to_owned()),
            (4, "b6ccddccaf3617b6".to_owned()),
            (5, "4439c55b805aa8ea".to_owned()),
            (6, "85e8909a81c669a1".to_owned()),
            (7, "5e42961825f6e60b".to_owned()),
            (8, "19a2021513ec5696".to_owned()),
            (9, "58753c3e6772a9ad".to_owned()),
            (10, "789c5edf3616359c".to_owned()),
            (12, "6398b0868cb400bf".to_owned()),
            (14, "540d7df89798ea0a".to_owned()),
            (16, "ee9132c38154317f".to_owned()),
            (17, "9e617a45b963f7ed".to_owned()),
            (19, "000a78e3c631afc0".to_owned()),
        ];
        assert_eq!(migrator::checksums(&migrator()), checksums);
    }
}
