//! Moves a queue from a SQLite database into a PostgreSQL database.
//!
//! The move is a single commit in the target: everything is there, or nothing is. A move that failed may be
//! repeated. The source is only read. Nobody else may use either database meanwhile.

mod tables;

use std::path::PathBuf;

use crate::{
    BoxError,
    postgres::{PostgresError, PostgresOptions, Target},
    query::Values,
    sqlite::{OpenError, Source, SqliteOptions},
};

use self::tables::{TABLES, Table, add};

/// Rows that are written by one statement, at most.
const ROWS: usize = 256;
/// The approximate number of octets that these rows hold in memory; a single row may hold more.
const OCTETS: usize = 4 << 20;

/// The result of a move, or of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The source database, which is unchanged.
    pub from: PathBuf,
    /// The target database.
    pub to: String,
    /// The number of rows in each table.
    pub rows: Vec<(&'static str, u64)>,
    /// How many of the transactions are not over. An agent that is started on the target delivers
    /// them.
    pub unfinished: u64,
    /// The number of the last event ever written, or 0. The next event gets the next number.
    pub last_event: u64,
}

/// Why a queue was not moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The source cannot be used, for example since an agent is running on it.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// The target cannot be used, for example since an agent is running on it.
    #[error(transparent)]
    Target(#[from] PostgresError),
    /// The target already contains a queue.
    #[error("database {name} is not empty (its table {table} has rows): name an empty one")]
    NotEmpty {
        /// The target.
        name: String,
        /// A table that has rows.
        table: &'static str,
    },
    /// A table of the source cannot be read.
    #[error("could not read the table {table} of {}", path.display())]
    NotRead {
        /// The source.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A table of the target could not be written. The target is unchanged.
    #[error("could not write the table {table} of database {name}, which is unchanged")]
    NotWritten {
        /// The target.
        name: String,
        /// The table.
        table: &'static str,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// The target did not confirm the commit: the whole queue is there, or nothing is.
    #[error(
        "whether the queue is in database {name} now is not known: try it again; if the database is \
         not empty then, all of it is there"
    )]
    InDoubt {
        /// The target.
        name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl SqliteOptions {
    /// Moves everything in the database into another one: transactions with their recipients, attempts and
    /// bodies; summaries; events with their numbers; the positions of their readers; suspensions and
    /// suppressions. The target is brought to the current schema, and must be empty. Nobody may be using either
    /// database.
    ///
    /// The source is unchanged. An agent that is started on it delivers the same messages again.
    ///
    /// # Errors
    ///
    /// [`MoveError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing was moved, unless the commit was under way. The move may be
    /// repeated.
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

    /// Returns what [`SqliteOptions::move_to`] would move, and changes nothing. It fails where `move_to`
    /// would fail.
    ///
    /// # Errors
    ///
    /// [`MoveError`].
    pub async fn would_move_to(&self, to: &PostgresOptions) -> Result<Moved, MoveError> {
        let mut source = Source::open(self).await?;
        let schema = to.schema().await?;
        let mut target = Target::open(to).await?;
        // A target without tables is empty.
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

/// Copies a table. Returns the number of its rows.
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
