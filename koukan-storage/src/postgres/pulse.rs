//! Tells a server that has fallen silent from one that takes its time.
//!
//! A statement may take as long as the server allows. Nobody should wait that long for a server that does not answer at
//! all. So whoever waits for an answer asks over another connection from time to time:
//!
//! | the new connection | means |
//! |---|---|
//! | is made, or the server refuses it | the statement takes its time, and is waited for |
//! | gets no answer, or cannot be made | the server is silent. The statement fails as if its connection were lost |
//!
//! So a call fails in the time for which operations are repeated, and not only after the server's own limit, once for
//! each connection.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use super::{access::Access, error::Cause, outage::Outage};

/// The shortest and the longest time after which the server is asked, and which it has for the answer.
const STEP: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// Asks whether the server answers at all.
#[derive(Clone)]
pub(super) struct Pulse {
    access: Access,
    pub(super) outage: Arc<Outage>,
    /// When the last question was asked that the server has answered. One is asked at a time.
    felt: Arc<Mutex<Option<Instant>>>,
}

impl Pulse {
    /// Asks by connections of this kind.
    pub(super) fn new(access: Access, outage: Arc<Outage>) -> Self {
        Self {
            access,
            outage,
            felt: Arc::default(),
        }
    }

    /// Waits for an answer of the server for at most `limit`. If the server falls silent, it is not waited for until
    /// then: with [`Outage::reading_until`] or [`Outage::writing_until`], half of the time that is left until then
    /// remains for other tries.
    ///
    /// # Cancel safety
    ///
    /// As that of `asking`.
    pub(super) async fn answer<T>(
        &self,
        limit: Duration,
        until: Instant,
        asking: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Cause> {
        let begun = Instant::now();
        tokio::select! {
            biased;
            answer = asking => answer.map_err(Cause::from),
            () = self.end_of_patience(begun + limit, until) => Err(Cause::silent(begun.elapsed())),
        }
    }

    /// Waits until `limit`, or until the server is silent.
    async fn end_of_patience(&self, limit: Instant, until: Instant) {
        let begun = Instant::now();
        let step = (until.saturating_duration_since(begun) / 4).clamp(STEP[0], STEP[1]);
        loop {
            let next = Instant::now() + step;
            sleep_until(limit.min(next)).await;
            if limit <= next {
                return;
            }
            if !self.is_felt(step).await {
                self.outage.is_away_since(begun);
                return;
            }
        }
    }

    /// Whether the server answers a question that is asked now.
    async fn is_felt(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        let asking = async {
            let mut felt = self.felt.lock().await;
            // Somebody else may have asked while this waited.
            if felt.is_some_and(|asked| asked >= begun) {
                return true;
            }
            let asked = Instant::now();
            let is_felt = self.ask().await;
            if is_felt {
                *felt = Some(asked);
            }
            is_felt
        };
        timeout(limit, asking).await.unwrap_or(false)
    }

    async fn ask(&self) -> bool {
        match self.access.connect().await {
            Ok(_closed_when_dropped) => {
                self.outage.is_there();
                true
            }
            Err(error) => !matches!(error, sqlx::Error::Io(_)),
        }
    }
}
