//! Connections.

use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor, SqliteConnection, sqlite::SqliteQueryResult,
};

#[cfg(feature = "postgres")]
use sqlx::PgConnection;

use super::{Dialect, Row, Values};

/// A connection to a database.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    /// A PostgreSQL connection that was lost and closed. The server holds no lock for it.
    #[cfg(feature = "postgres")]
    Lost,
}

/// The result of an execution.
#[derive(Default)]
pub(crate) struct Executed {
    pub(crate) affected: u64,
    pub(crate) rows: Vec<Row>,
}

impl Connection {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) | Self::Lost => Dialect::Postgres,
        }
    }

    /// Executes a text that repeats a statement `copies` times, as [`Dialect::repeated`] makes it. Returns
    /// the result of each.
    pub(crate) async fn run(
        &mut self,
        text: Arc<str>,
        copies: usize,
        values: Values,
    ) -> Result<Vec<Executed>, sqlx::Error> {
        let text = AssertSqlSafe(text);
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(text, values.into_sqlite());
                let mut results = connection.fetch_many(query);
                let mut executed = Vec::with_capacity(copies);
                let mut rows = Vec::new();
                while let Some(result) = results.try_next().await? {
                    match result {
                        Either::Right(row) => rows.push(Row::Sqlite(row)),
                        Either::Left(done) => executed.push(Executed {
                            affected: SqliteQueryResult::rows_affected(&done),
                            rows: std::mem::take(&mut rows),
                        }),
                    }
                }
                Ok(executed)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => {
                let query = sqlx::query_with(text, values.into_postgres());
                let mut results = connection.fetch_many(query);
                let mut executed: Vec<_> = (0..copies).map(|_| Executed::default()).collect();
                while let Some(result) = results.try_next().await? {
                    match result {
                        Either::Left(done) if copies == 1 => {
                            executed[0].affected = done.rows_affected();
                        }
                        Either::Left(_) => {}
                        Either::Right(row) => {
                            let row = Row::Postgres(row);
                            let copy = match copies {
                                1 => 0,
                                _ => usize::try_from(row.last::<i32>()?).unwrap_or_default(),
                            };
                            let Some(executed) = executed.get_mut(copy) else {
                                continue;
                            };
                            executed.affected += 1;
                            executed.rows.push(row);
                        }
                    }
                }
                Ok(executed)
            }
            #[cfg(feature = "postgres")]
            Self::Lost => Err(sqlx::Error::WorkerCrashed),
        }
    }

    /// Asks whether the other end is still there.
    pub(crate) async fn ping(&mut self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => connection.ping().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.ping().await,
            #[cfg(feature = "postgres")]
            Self::Lost => Err(sqlx::Error::WorkerCrashed),
        }
    }

    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.close().await,
            #[cfg(feature = "postgres")]
            Self::Lost => Ok(()),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<PgConnection> for Connection {
    fn from(connection: PgConnection) -> Self {
        Self::Postgres(connection)
    }
}

impl From<SqliteConnection> for Connection {
    fn from(connection: SqliteConnection) -> Self {
        Self::Sqlite(connection)
    }
}
