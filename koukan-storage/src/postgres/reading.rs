//! Connections that read. Each read runs in a task of its own.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use koukan_core::storage::BackendError;
use sqlx::{AssertSqlSafe, postgres::PgRow};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    closed::closed,
    database::{Dialect, Row, Values},
    reader::Source,
};

use super::{access::Access, error::Cause, lender::Lender, pulse::Pulse};

/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

pub(super) struct Readers {
    lender: Lender,
    silence: Duration,
    pulse: Pulse,
}

impl Readers {
    pub(super) fn new(access: Access, connections: u32, silence: Duration, pulse: Pulse) -> Self {
        Self {
            lender: Lender::new(access, connections),
            silence,
            pulse,
        }
    }

    pub(super) fn lender(&self) -> Lender {
        self.lender.clone()
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
        self.lender.close(self.silence).await;
    }
}

async fn read(
    lender: &Lender,
    pulse: &Pulse,
    text: Arc<str>,
    values: Values,
    (until, silence): (Instant, Duration),
) -> Result<Vec<PgRow>, Cause> {
    let mut lent = match timeout_at(until, lender.lend(pulse)).await {
        Ok(lent) => lent?,
        Err(_) => return Err(sqlx::Error::PoolTimedOut.into()),
    };
    let process = lent.process();
    let query = sqlx::query_with(AssertSqlSafe(text), values.into_postgres());
    let fetching = query.fetch_all(lent.connection());
    let read = pulse.answer(process, (silence, until), fetching).await;
    lent.give_back(read.as_ref().err().is_none_or(|cause| !cause.is_lost()));
    read
}
