//! Applies the versions of a schema, for either database.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// A version of the schema: its number, its name, and its text.
pub(crate) type Version = (i64, &'static str, &'static str);

pub(crate) fn of(versions: &[Version]) -> Migrator {
    let migrations = versions.iter().copied();
    let migrations = migrations.map(|(version, description, text)| {
        let description = Cow::Borrowed(description);
        let kind = MigrationType::Simple;
        Migration::new(version, description, kind, text.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// The version numbers, each with the start of its checksum.
#[cfg(test)]
pub(crate) fn checksums(migrator: &Migrator) -> Vec<(i64, String)> {
    let beginning = |migration: &Migration| {
        let octets = migration.checksum[..8].iter();
        octets.map(|octet| format!("{octet:02x}")).collect()
    };
    let migrations = migrator.iter();
    migrations
        .map(|migration| (migration.version, beginning(migration)))
        .collect()
}
