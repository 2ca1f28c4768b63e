//! Connections that read. Each read runs in a task of its own.

use std::sync::Arc;

use async_trait::async_trait;
use koukan_core::storage::BackendError;
use sqlx::{
    AssertSqlSafe, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::sync::oneshot;

use crate::{
    closed::closed,
    database::{Dialect, Row, Values},
    reader::Source,
};

use super::{error::Cause, files::Files};

pub(super) struct Readers {
    pool: SqlitePool,
    files: Arc<Files>,
}

impl Readers {
    pub(super) fn new(options: SqliteConnectOptions, connections: u32, files: Arc<Files>) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            // A connection to a file needs no test.
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options);
        Self { pool, files }
    }
}

#[async_trait]
impl Source for Readers {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    /// A read that has a connection runs to its end and returns it. A caller that leaves before that
    /// waits for no connection.
    async fn rows(&self, text: Arc<str>, values: Values) -> Result<Vec<Row>, BackendError> {
        self.files.check()?;
        let pool = self.pool.clone();
        let (mut answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let connection = tokio::select! {
                biased;
                () = answer.closed() => return,
                connection = pool.acquire() => connection,
            };
            let rows = async {
                let query = sqlx::query_with(AssertSqlSafe(text), values.into_sqlite());
                query.fetch_all(&mut *connection?).await
            };
            let rows = rows.await;
            // The caller may have gone.
            let _ = answer.send(rows);
        });
        let rows = answered.await.map_err(|_| closed())?;
        let rows = rows.map_err(|error| {
            let cause = Cause::from(error);
            if cause.is_damage() {
                self.files.damaged(&cause.to_string());
            }
            BackendError::from(cause)
        })?;
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
