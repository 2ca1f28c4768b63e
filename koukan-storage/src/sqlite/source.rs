//! The database that a queue is moved from.

use std::path::PathBuf;

use futures_util::{TryStreamExt, stream::BoxStream};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqliteConnection, sqlite::SqliteRow};

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    inspect::{Access, Found, look, verify},
    lock::ProcessLock,
    old_log,
    read_only::check_version,
};

/// Rows that are read ahead. The number is small, since a row may be large.
const AHEAD: usize = 8;

/// A database that is only read, and that nobody else uses until this is dropped.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    connection: SqliteConnection,
    _lock: ProcessLock,
}

/// The rows of a table.
pub(crate) struct Rows<'s>(BoxStream<'s, Result<SqliteRow, sqlx::Error>>);

impl Source {
    /// Opens a database with the current schema.
    pub(crate) async fn open(options: &SqliteOptions) -> Result<Self, OpenError> {
        let path = options.real_path();
        let Found::Database(len) = look(&path, Access::Read)? else {
            return Err(OpenError::Missing { path });
        };
        let lock = ProcessLock::take(&path)?;
        let commits = old_log::look(&path).await?;
        if commits > 0 {
            return Err(OpenError::DamagedLog { path, commits });
        }
        let failed = |error: sqlx::Error| Cause::from(error).into_open_error(&path);
        let reading = options.reading(&path).row_buffer_size(AHEAD);
        let mut connection = reading.connect().await.map_err(failed)?;
        verify(&mut connection, &path, len).await?;
        check_version(&mut connection, &path).await?;
        connection.execute("BEGIN").await.map_err(failed)?;
        Ok(Self {
            path,
            connection,
            _lock: lock,
        })
    }

    /// The number that a statement returns.
    pub(crate) async fn number(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let number = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        let number: i64 = number.fetch_one(&mut self.connection).await?;
        Ok(number.unsigned_abs())
    }

    /// The rows that a statement returns, one after the other.
    pub(crate) fn rows(&mut self, sql: String) -> Rows<'_> {
        Rows(sqlx::query(AssertSqlSafe(sql)).fetch(&mut self.connection))
    }
}

impl Rows<'_> {
    pub(crate) async fn next(&mut self) -> Result<Option<SqliteRow>, sqlx::Error> {
        self.0.try_next().await
    }
}
