//! What the schema of a database is, beside the one that this program knows.

use sqlx::migrate::Migrator;

/// The schema of a database: what was done to it, and what this program would do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// What the database is called in messages.
    pub database: String,
    /// The oldest first.
    pub migrations: Vec<Migration>,
}

/// A step from one version of the schema to a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migration {
    /// The version that it leads to. There may be gaps.
    pub version: i64,
    /// What it is called.
    pub name: String,
    /// Whether it was applied.
    pub state: MigrationState,
}

/// How a database stands to a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// It has it.
    Applied,
    /// It lacks it; it is applied by `migrate`, or when the database is opened.
    Pending,
    /// It has one that this program does not know, or knows otherwise: most likely of a newer program.
    Unknown,
}

/// A migration that a database says it has.
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

    /// What the database lacks, in the order in which it is applied.
    pub fn pending(&self) -> impl Iterator<Item = &Migration> {
        let mut of_state = self.migrations.iter();
        std::iter::from_fn(move || {
            of_state.find(|migration| migration.state == MigrationState::Pending)
        })
    }

    /// Whether the database has nothing that this program does not know.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let mut migrations = self.migrations.iter();
        migrations.all(|migration| migration.state != MigrationState::Unknown)
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
