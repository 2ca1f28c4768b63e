//! Versions of the schema, with the same numbers as SQLite's.
//!
//! The text of a migration is frozen once it is released, since a database remembers its checksum.
//! A change is a new file.

use sqlx::migrate::Migrator;

use crate::migrator::{self, Version};

const MIGRATIONS: &[Version] = &[
    (
        19,
        "baseline",
        include_str!("../../migrations/postgres/0019_baseline.sql"),
    ),
    (
        24,
        "commits",
        include_str!("../../migrations/postgres/0024_commits.sql"),
    ),
    (
        25,
        "readers",
        include_str!("../../migrations/postgres/0025_readers.sql"),
    ),
    (
        27,
        "lists",
        include_str!("../../migrations/postgres/0027_lists.sql"),
    ),
    (
        28,
        "bans",
        include_str!("../../migrations/postgres/0028_bans.sql"),
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
            (19, "3172a598b00468b9"),
            (24, "2b1ae8ccf0fa4ebe"),
            (25, "12f14a0e1a9dc55c"),
            (27, "604d300f682376e5"),
            (28, "272e32a4680955df"),
        ];
        let checksums = checksums.map(|(version, sum)| (version, sum.to_owned()));
        assert_eq!(migrator::checksums(&migrator()), checksums);
    }
}
