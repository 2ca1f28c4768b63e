//! Connections that read, each read in a task of its own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use koukan_core::storage::BackendError;
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use crate::{
    closed::closed,
    database::{Dialect, Row, Values},
    reader::Source,
};

use super::error::Cause;

/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Readers {
    pool: PgPool,
    silence: Duration,
    patience: Duration,
}

impl Readers {
    pub(super) fn new(
        options: PgConnectOptions,
        connections: u32,
        silence: Duration,
        patience: Duration,
    ) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(patience.max(Duration::from_secs(1)))
            // A read that finds its connection lost is done again.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Self {
            pool,
            silence,
            patience,
        }
    }

    pub(super) fn pool(&self) -> PgPool {
        self.pool.clone()
    }
}

#[async_trait]
impl Source for Readers {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    /// Changes nothing, so it is done again where a connection was lost.
    async fn rows(&self, text: Arc<str>, values: Values) -> Result<Vec<Row>, BackendError> {
        let (pool, silence) = (self.pool.clone(), self.silence);
        let until = Instant::now() + self.patience;
        let (mut answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let reading = async {
                let mut pause = PAUSE;
                loop {
                    let read = read(&pool, Arc::clone(&text), values.clone(), silence).await;
                    match read {
                        Err(cause) if cause.is_lost() && Instant::now() < until => {
                            sleep(pause).await;
                            pause = (pause * 2).min(LONGEST_PAUSE);
                        }
                        read => return read,
                    }
                }
            };
            // A connection that is given up in the midst of a read is closed; it does not come back.
            let rows = tokio::select! {
                biased;
                rows = reading => rows,
                () = answer.closed() => return,
            };
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(rows);
        });
        let rows = answered.await.map_err(|_| closed())??;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

async fn read(
    pool: &PgPool,
    text: Arc<str>,
    values: Values,
    silence: Duration,
) -> Result<Vec<PgRow>, Cause> {
    let mut connection = pool.acquire().await?;
    let query = sqlx::query_with(AssertSqlSafe(text), values.into_postgres());
    match timeout(silence, query.fetch_all(&mut *connection)).await {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => {
            let cause = Cause::from(error);
            if cause.is_lost() {
                drop(connection.detach());
            }
            Err(cause)
        }
        Err(_) => {
            drop(connection.detach());
            Err(Cause::silent(silence))
        }
    }
}
