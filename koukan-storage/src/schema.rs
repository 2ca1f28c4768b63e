//! Compares a database's schema with the one that this program knows.

use sqlx::migrate::Migrator;

/// The schema of a database: the migrations that were applied, and those that this program would
/// apply.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// The name of the database in messages.
    pub database: String,
    /// All migrations, the oldest first.
    pub migrations: Vec<Migration>,
}

/// A step from one version of the schema to a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// The version that it leads to. Numbers may be missing.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Whether it was applied.
    pub state: MigrationState,
}

/// The state of a migration in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// It was applied.
    Applied,
    /// It is missing. `migrate` applies it, or opening the database does.
    Pending,
    /// The database has it, but this program does not know it, or knows another text: most likely the
    /// database was used by a newer program.
    Unknown,
}

/// A migration that a database has recorded.
pub(crate) struct Recorded {
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) checksum: Vec<u8>,
}

impl Schema {
    /// The newest version that was applied; `None` where there are no tables.
    #[must_use]
    pub fn version(&self) -> Option<i64> {
        let applied = self.migrations.iter().filter(|migration| {
            matches!(
                migration.state,
                MigrationState::Applied | MigrationState::Unknown
            )
        });
        applied.map(|migration| migration.version).max()
    }

    /// The missing migrations, in the order in which they are applied.
    pub fn pending(&self) -> impl Iterator<Item = &Migration> {
        let mut of_state = self.migrations.iter();
        std::iter::from_fn(move || {
            of_state.find(|migration| migration.state == MigrationState::Pending)
        })
    }

    /// Whether this program knows everything that was applied.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.unknown().is_none()
    }

    /// The version of the first migration that this program does not know.
    pub(crate) fn unknown(&self) -> Option<i64> {
        let mut migrations = self.migrations.iter();
        let unknown = migrations.find(|migration| migration.state == MigrationState::Unknown);
        unknown.map(|migration| migration.version)
    }

    pub(crate) fn compare(database: String, known: &Migrator, recorded: Vec<Recorded>) -> Self {
        let is_pending = |version: i64| recorded.iter().all(|recorded| recorded.version != version);
        let pending = known
            .iter()
            .filter(|migration| is_pending(migration.version));
        let mut migrations: Vec<_> = pending
            .map(|migration| Migration {
                version: migration.version,
                name: migration.description.to_string(),
                state: MigrationState::Pending,
            })
            .collect();
        migrations.extend(recorded.into_iter().map(|recorded| {
            let is_known = known.iter().any(|migration| {
                migration.version == recorded.version && *migration.checksum == *recorded.checksum
            });
            Migration {
                version: recorded.version,
                name: recorded.name,
                state: match is_known {
                    true => MigrationState::Applied,
                    false => MigrationState::Unknown,
                },
            }
        }));
        migrations.sort_by_key(|migration| migration.version);
        Self {
            database,
            migrations,
        }
    }
}
