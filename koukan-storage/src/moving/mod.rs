//! Moving a queue from a SQLite database into one of PostgreSQL.
//!
//! All of it is one commit of the target, so that it is there as a whole or not at all, and may be repeated
//! until it is. The source is only read, and nobody else may use either meanwhile.

mod tables;

use std::path::PathBuf;

use crate::{
    BoxError,
    postgres::{PostgresError, PostgresOptions, Target},
    query::Values,
    sqlite::{OpenError, Source, SqliteOptions},
};

use self::tables::{TABLES, Table, add};

/// Rows that are written in one go, at most.
const ROWS: usize = 256;
/// Octets that they hold in memory, about; one row may have more.
const OCTETS: usize = 4 << 20;

/// What was moved, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The database that it was in, and still is.
    pub from: PathBuf,
    /// The database that it is in now.
    pub to: String,
    /// How many rows there are of each table.
    pub rows: Vec<(&'static str, u64)>,
    /// Transactions among them that are not over: what an agent that is started on it delivers.
    pub unfinished: u64,
    /// The number of the last event that there ever was, or 0. The next has the next.
    pub last_event: u64,
}

/// A queue was not moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The database that it is in cannot be used, as while an agent runs on it.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The database that it is to be in cannot be used, as while an agent runs on it.
    #[error(transparent)]
    Target(#[from] PostgresError),
    /// There is a queue in the target already.
    #[error("database {name} is not empty (it has rows in its table {table}): name one that is")]
    NotEmpty {
        /// The target.
        name: String,
        /// A table that has rows.
        table: &'static str,
    },
    /// Something of the source cannot be read.
    #[error("could not read the table {table} of {}", path.display())]
    NotRead {
        /// The source.
        path: PathBuf,
        /// Where it is.
        table: &'static str,
        /// What is reported.
        #[source]
        source: BoxError,
    },
    /// Something could not be written; the target is as it was.
    #[error("could not write the table {table} of database {name}, which is as it was")]
    NotWritten {
        /// The target.
        name: String,
        /// Where it was to be.
        table: &'static str,
        /// What is reported.
        #[source]
        source: BoxError,
    },
    /// The target has not said whether it was committed: all of it is there, or nothing is.
    #[error(
        "whether the queue is in database {name} now is not known: try it again; if the database is \
         not empty then, all of it is there"
    )]
    InDoubt {
        /// The target.
        name: String,
        /// What is reported.
        #[source]
        source: BoxError,
    },
}

impl SqliteOptions {
    /// Moves all that is in the database into another, which is brought to the present schema and must be empty:
    /// transactions with their recipients, attempts and bodies, what became of others, events with their
    /// numbers, how far their readers have come, suspensions and suppressions. Nobody may be using either.
    ///
    /// The source is left as it is. An agent that is started on it delivers all of it as well.
    ///
    /// # Errors
    ///
    /// [`MoveError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, nothing was moved, unless the commit was under way; it may be repeated.
    pub async fn move_to(&self, to: &PostgresOptions) -> Result<Moved, MoveError> {
        let mut source = Source::open(self).await?;
        to.migrate().await?;
        let mut target = Target::open(to).await?;
        if let Some(table) = target.begin(names()).await? {
            let name = target.name;
            return Err(MoveError::NotEmpty { name, table });
        }
        let mut moved = look(&mut source, &target.name).await?;
        for (table, (_, rows)) in TABLES.iter().zip(&mut moved.rows) {
            *rows = copy(table, &mut source, &mut target).await?;
        }
        let last = i64::try_from(moved.last_event).unwrap_or(i64::MAX);
        let counted = target.count_events_from(last).await;
        counted.map_err(|error| not_written(&target, "event_numbers", error))?;
        let name = target.name.clone();
        match target.commit().await {
            Ok(()) => Ok(moved),
            Err(source) => Err(MoveError::InDoubt { name, source }),
        }
    }

    /// Tells what [`SqliteOptions::move_to`] would move, and changes nothing. It fails where that would.
    ///
    /// # Errors
    ///
    /// [`MoveError`].
    pub async fn would_move_to(&self, to: &PostgresOptions) -> Result<Moved, MoveError> {
        let mut source = Source::open(self).await?;
        let schema = to.schema().await?;
        let mut target = Target::open(to).await?;
        // Where there are no tables, nothing is in them.
        if schema.version().is_some()
            && let Some(table) = target.begin(names()).await?
        {
            let name = target.name;
            return Err(MoveError::NotEmpty { name, table });
        }
        look(&mut source, &target.name).await
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name)
}

async fn look(source: &mut Source, to: &str) -> Result<Moved, MoveError> {
    let mut rows = Vec::with_capacity(TABLES.len());
    for table in names() {
        let count = format!("SELECT count(*) FROM {table}");
        let count = source.number(&count).await;
        rows.push((
            table,
            count.map_err(|error| not_read(source, table, error))?,
        ));
    }
    let unfinished = "SELECT count(*) FROM transactions WHERE final_reason IS NULL";
    let unfinished = source.number(unfinished).await;
    let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
    let last = source.number(last).await;
    Ok(Moved {
        from: source.path.clone(),
        to: to.into(),
        rows,
        unfinished: unfinished.map_err(|error| not_read(source, "transactions", error))?,
        last_event: last.map_err(|error| not_read(source, "events", error))?,
    })
}

/// Copies a table; how many rows it had.
async fn copy(
    table: &'static Table,
    source: &mut Source,
    target: &mut Target,
) -> Result<u64, MoveError> {
    let path = source.path.clone();
    let unread = |source: sqlx::Error| MoveError::NotRead {
        path: path.clone(),
        table: table.name,
        source: source.into(),
    };
    let mut rows = source.rows(table.select());
    let (mut values, mut gathered, mut octets, mut count) = (Values::default(), 0, 0, 0);
    loop {
        let row = rows.next().await.map_err(unread)?;
        if let Some(row) = &row {
            octets += add(row, table, &mut values).map_err(unread)?;
            (gathered, count) = (gathered + 1, count + 1);
        }
        if gathered > 0 && (row.is_none() || gathered == ROWS || octets >= OCTETS) {
            let insert = table.insert(gathered);
            let written = target.write(insert, std::mem::take(&mut values)).await;
            written.map_err(|error| not_written(target, table.name, error))?;
            (gathered, octets) = (0, 0);
        }
        if row.is_none() {
            return Ok(count);
        }
    }
}

fn not_read(source: &Source, table: &'static str, error: sqlx::Error) -> MoveError {
    MoveError::NotRead {
        path: source.path.clone(),
        table,
        source: error.into(),
    }
}

fn not_written(target: &Target, table: &'static str, source: BoxError) -> MoveError {
    MoveError::NotWritten {
        name: target.name.clone(),
        table,
        source,
    }
}
