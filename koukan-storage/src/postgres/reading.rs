//! Connections that read. Each read runs in a task of its own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use koukan_core::storage::BackendError;
use sqlx::{
    AssertSqlSafe, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgPoolOptions, PgRow},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    closed::closed,
    database::{Dialect, Row, Values},
    reader::Source,
};

use super::{access::Access, error::Cause, pulse::Pulse};

/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Readers {
    lender: Lender,
    silence: Duration,
    pulse: Pulse,
}

/// Lends connections.
#[derive(Clone)]
struct Lender {
    pool: PgPool,
    access: Access,
}

impl Readers {
    pub(super) fn new(
        access: Access,
        connections: u32,
        (silence, patience): (Duration, Duration),
        pulse: Pulse,
    ) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(patience.max(Duration::from_secs(1)))
            // A read that finds its connection lost is repeated.
            .test_before_acquire(false)
            .connect_lazy_with(access.options.clone());
        Self {
            lender: Lender { pool, access },
            silence,
            pulse,
        }
    }

    pub(super) fn pool(&self) -> PgPool {
        self.lender.pool.clone()
    }
}

#[async_trait]
impl Source for Readers {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    /// A read changes nothing, so it is repeated when the connection is lost.
    async fn rows(&self, text: Arc<str>, values: Values) -> Result<Vec<Row>, BackendError> {
        let (lender, silence) = (self.lender.clone(), self.silence);
        let pulse = self.pulse.clone();
        let until = pulse.outage.reading_until();
        let (mut answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let reading = async {
                let mut pause = PAUSE;
                loop {
                    let limits = (until, silence);
                    let read =
                        read(&lender, &pulse, Arc::clone(&text), values.clone(), limits).await;
                    match &read {
                        Err(cause) if cause.is_lost() => pulse.outage.is_away(),
                        // It has answered.
                        _ => pulse.outage.is_there(),
                    }
                    match read {
                        Err(cause) if cause.is_lost() && Instant::now() < until => {
                            sleep(pause).await;
                            pause = (pause * 2).min(LONGEST_PAUSE);
                        }
                        read => return read,
                    }
                }
            };
            let rows = tokio::select! {
                biased;
                rows = reading => rows,
                () = answer.closed() => return,
            };
            // The caller may have gone.
            let _ = answer.send(rows);
        });
        let rows = answered.await.map_err(|_| closed())??;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    async fn close(&self) {
        // A silent server need not be told.
        let _ = timeout(self.silence, self.lender.pool.close()).await;
    }
}

impl Lender {
    async fn lend(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        // The pool makes connections by itself, with the password that it was given last. Where another caller takes the
        // idle connection meanwhile, and the password has changed, this read is repeated.
        if self.access.password_file.is_some() && self.pool.num_idle() == 0 {
            let options = self.access.options_now().await?;
            self.pool.set_connect_options(options);
        }
        self.pool.acquire().await
    }
}

/// A connection while it is used for a read. If the read is abandoned or the connection lost, it is closed.
/// Returned to the pool, it would have to wait for the server's answer and would block its place.
struct Lent {
    connection: PoolConnection<Postgres>,
    is_fine: bool,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_fine {
            self.connection.close_on_drop();
        }
    }
}

async fn read(
    lender: &Lender,
    pulse: &Pulse,
    text: Arc<str>,
    values: Values,
    (until, silence): (Instant, Duration),
) -> Result<Vec<PgRow>, Cause> {
    let mut lent = Lent {
        connection: match timeout_at(until, lender.lend()).await {
            Ok(connection) => connection?,
            Err(_) => return Err(sqlx::Error::PoolTimedOut.into()),
        },
        is_fine: false,
    };
    let query = sqlx::query_with(AssertSqlSafe(text), values.into_postgres());
    let fetching = query.fetch_all(&mut *lent.connection);
    let read = pulse.answer(silence, until, fetching).await;
    lent.is_fine = read.as_ref().err().is_none_or(|cause| !cause.is_lost());
    read
}
