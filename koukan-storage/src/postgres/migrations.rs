//! Versions of the schema, numbered as those of SQLite.
//!
//! The text of a migration is frozen once it was released: a database remembers the checksum of
//! what made it. A change is a new file.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// The version of each, its name, and its text.
const MIGRATIONS: &[(i64, &str, &str)] = &[(
    19,
    "baseline",
    include_str!("../../migrations/postgres/0019_baseline.sql"),
)];

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
        let checksums = [(19, "3172a598b00468b9")];
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
