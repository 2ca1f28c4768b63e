//! Since when the server does not do its part, and how long it is waited for.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a call goes on trying in any case: long enough to replace connections that a server has closed meanwhile.
const AT_LEAST: Duration = Duration::from_secs(2);

/// What all connections of a process know together.
///
/// A call is repeated until the server has been away for as long as the patience says, and not for so long from
/// its own beginning: who calls later, or has waited for others, would wait once more each time.
#[derive(Debug)]
pub(super) struct Outage {
    patience: Duration,
    since: Mutex<Since>,
}

#[derive(Debug, Default)]
struct Since {
    /// No connection was made, or one was lost, and none was of use since.
    away: Option<Instant>,
    /// The server took no writes, and has taken none since.
    read_only: Option<Instant>,
}

impl Outage {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: Mutex::default(),
        }
    }

    /// There is no connection.
    pub(super) fn is_away(&self) {
        self.is_away_since(Instant::now());
    }

    /// The server has not answered since then.
    pub(super) fn is_away_since(&self, since: Instant) {
        self.lock().away.get_or_insert(since);
    }

    /// There is a connection that is of use.
    pub(super) fn is_there(&self) {
        // The guard is dropped before the log is written.
        let was_away = self.lock().away.take().is_some();
        if was_away {
            tracing::info!("the database can be reached again");
        }
    }

    /// The server does not take writes.
    pub(super) fn is_read_only(&self) {
        self.lock().read_only.get_or_insert_with(Instant::now);
    }

    /// The server has taken a write.
    pub(super) fn is_written(&self) {
        self.is_there();
        let was_read_only = self.lock().read_only.take().is_some();
        if was_read_only {
            tracing::info!("the database takes writes again");
        }
    }

    /// Until when a read that begins now is repeated.
    pub(super) fn reading_until(&self) -> Instant {
        let away = self.lock().away;
        self.until(away)
    }

    /// Until when a write that begins now is repeated.
    pub(super) fn writing_until(&self) -> Instant {
        let Since { away, read_only } = *self.lock();
        self.until(away.into_iter().chain(read_only).min())
    }

    fn until(&self, since: Option<Instant>) -> Instant {
        let now = Instant::now();
        let at_least = now + AT_LEAST.min(self.patience);
        at_least.max(since.unwrap_or(now) + self.patience)
    }

    fn lock(&self) -> MutexGuard<'_, Since> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn who_calls_late_does_not_wait_as_long_again() {
        let outage = Outage::new(20 * SECOND);
        let begin = Instant::now();
        assert_eq!(outage.writing_until(), begin + 20 * SECOND);
        outage.is_away();
        advance(15 * SECOND).await;
        // It began before, and goes on.
        outage.is_away();
        assert_eq!(outage.writing_until(), begin + 20 * SECOND);
        assert_eq!(outage.reading_until(), begin + 20 * SECOND);
        advance(100 * SECOND).await;
        assert_eq!(outage.reading_until(), Instant::now() + AT_LEAST);
        outage.is_there();
        assert_eq!(outage.reading_until(), Instant::now() + 20 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_does_not_mind_that_nothing_can_be_written() {
        let outage = Outage::new(20 * SECOND);
        outage.is_read_only();
        advance(30 * SECOND).await;
        // There is a connection all the while.
        outage.is_there();
        assert_eq!(outage.reading_until(), Instant::now() + 20 * SECOND);
        assert_eq!(outage.writing_until(), Instant::now() + AT_LEAST);
        outage.is_written();
        assert_eq!(outage.writing_until(), Instant::now() + 20 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_patience_tries_once() {
        let outage = Outage::new(Duration::ZERO);
        outage.is_away();
        assert_eq!(outage.writing_until(), Instant::now());
    }
}
