//! A backend that fails on request.

mod reading;
mod suppressions;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use koukan_core::storage::{
    BackendError, BansChanged, MemoryBackend, Queue, Recovered, Refreshed, Removed, Retention,
    Sessions,
    record::{
        Change, Commit, Companions, Judged, Leased, NewTransaction, SchedulingKey, SessionId,
        Settlement, Standing, Suspension, SuspensionChange, TransactionId, Work,
    },
};
use tokio::sync::Notify;

/// The duration of a slow write.
pub(crate) const SLOW: Duration = Duration::from_secs(30);

/// The delay of the answer to a late write.
pub(crate) const LATE: Duration = Duration::from_secs(1000);

/// A memory backend whose next operations of a kind fail or are slow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failing {
    pub(crate) inner: MemoryBackend,
    /// How many of the next writes of that kind fail, or are slow.
    pub(crate) full_inserts: Arc<AtomicU32>,
    /// How many more transactions there is room for, if that is limited.
    pub(crate) rows_left: Arc<Mutex<Option<usize>>>,
    /// Whether there is no room for new mail.
    pub(crate) is_short: Arc<AtomicBool>,
    pub(crate) slow_summaries: Arc<AtomicU32>,
    pub(crate) slow_inserts: Arc<AtomicU32>,
    /// Inserts that succeed and report a failure.
    pub(crate) unanswered_inserts: Arc<AtomicU32>,
    /// Completions that succeed and report a failure.
    pub(crate) unanswered_completes: Arc<AtomicU32>,
    pub(crate) full_completes: Arc<AtomicU32>,
    pub(crate) slow_completes: Arc<AtomicU32>,
    pub(crate) full_appends: Arc<AtomicU32>,
    pub(crate) failed_settlements: Arc<AtomicU32>,
    /// Settlements that succeed and report a failure.
    pub(crate) unanswered_settlements: Arc<AtomicU32>,
    pub(crate) slow_settlements: Arc<AtomicU32>,
    /// Settlements that succeed and whose answer comes very late.
    pub(crate) late_settlements: Arc<AtomicU32>,
    /// Settlements for which a lease is lost.
    pub(crate) lost_settlements: Arc<AtomicU32>,
    /// Settlements that fail with an unusual error.
    pub(crate) odd_settlements: Arc<AtomicU32>,
    /// Settlements that panic.
    pub(crate) panicking_settlements: Arc<AtomicU32>,
    pub(crate) failed_releases: Arc<AtomicU32>,
    pub(crate) odd_releases: Arc<AtomicU32>,
    pub(crate) panicking_releases: Arc<AtomicU32>,
    pub(crate) slow_releases: Arc<AtomicU32>,
    /// Releases of leases that succeed and report a failure.
    pub(crate) unanswered_releases: Arc<AtomicU32>,
    /// Reads of blobs, and leases of single transactions, that fail.
    pub(crate) failed_reads: Arc<AtomicU32>,
    /// Joint reads of small blobs that fail.
    pub(crate) failed_small_reads: Arc<AtomicU32>,
    /// How often blobs were read, singly and together.
    pub(crate) reads: Arc<AtomicU32>,
    pub(crate) small_reads: Arc<AtomicU32>,
    /// Reads of transactions that fail.
    pub(crate) failed_finds: Arc<AtomicU32>,
    /// Reads of transactions whose answer comes late.
    pub(crate) slow_finds: Arc<AtomicU32>,
    pub(crate) slow_leases: Arc<AtomicU32>,
    pub(crate) failed_leases: Arc<AtomicU32>,
    /// How often single transactions were leased.
    pub(crate) leases: Arc<AtomicU32>,
    /// Leases for one destination that are slow.
    pub(crate) slow_turns: Arc<AtomicU32>,
    /// Suspensions and their removals that fail.
    pub(crate) failed_suspensions: Arc<AtomicU32>,
    /// Suspensions and their removals that succeed and whose answer is slow.
    pub(crate) slow_suspensions: Arc<AtomicU32>,
    /// Leases of companions that fail.
    pub(crate) failed_companions: Arc<AtomicU32>,
    /// Leases of companions that are slow.
    pub(crate) slow_companions: Arc<AtomicU32>,
    /// Changes of suppressions that are slow, and how many were requested.
    pub(crate) slow_suppressions: Arc<AtomicU32>,
    pub(crate) suppressions: Arc<AtomicU32>,
    /// Session starts, session refreshes, and answers to written inserts, that wait for the gate.
    pub(crate) gated_sessions: Arc<AtomicU32>,
    pub(crate) gated_refreshes: Arc<AtomicU32>,
    pub(crate) gated_inserts: Arc<AtomicU32>,
    /// Its waiters continue in turn.
    pub(crate) gate: Arc<Notify>,
}

fn take_one(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

/// Takes a long time if that is configured.
pub(crate) async fn slowed(left: &AtomicU32) {
    if take_one(left) {
        tokio::time::sleep(SLOW).await;
    }
}

impl Failing {
    /// Waits for the gate if that is configured.
    async fn gated(&self, left: &AtomicU32) {
        if take_one(left) {
            self.gate.notified().await;
        }
    }

    /// Whether there is room for that many more.
    fn take_rows(&self, rows: usize) -> bool {
        let mut left = self.rows_left.lock().unwrap();
        match &mut *left {
            Some(left) if *left < rows => false,
            Some(left) => {
                *left -= rows;
                true
            }
            None => true,
        }
    }
}

#[async_trait]
impl Sessions for Failing {
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError> {
        self.gated(&self.gated_sessions).await;
        self.inner.open_session(session, now).await
    }

    fn session_term(&self) -> Option<Duration> {
        self.inner.session_term()
    }

    async fn refresh_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        self.gated(&self.gated_refreshes).await;
        self.inner.refresh_session(session, now).await
    }

    async fn end_session(&self, session: SessionId) -> Result<(), BackendError> {
        self.inner.end_session(session).await
    }

    async fn bans_changed(&self, since: Option<u64>) -> Result<BansChanged, BackendError> {
        self.inner.bans_changed(since).await
    }

    fn has_room(&self) -> bool {
        !self.is_short.load(Ordering::Relaxed)
    }

    async fn probe(&self) -> Result<(), BackendError> {
        self.inner.probe().await
    }

    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Removed, BackendError> {
        self.inner.collect_garbage(now, retention).await
    }
}

#[async_trait]
impl Queue for Failing {
    async fn request_cancel(&self, id: TransactionId) -> Result<(), BackendError> {
        self.inner.request_cancel(id).await
    }

    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        self.commit(vec![Commit::Insert(transaction)]).await
    }

    async fn commit(&self, together: Vec<Commit>) -> Result<(), BackendError> {
        slowed(&self.slow_inserts).await;
        if take_one(&self.full_inserts) || !self.has_room() || !self.take_rows(together.len()) {
            return Err(BackendError::Full("no space left".into()));
        }
        self.inner.commit(together).await?;
        self.gated(&self.gated_inserts).await;
        if take_one(&self.unanswered_inserts) {
            return Err(BackendError::Failed("the answer was lost".into()));
        }
        Ok(())
    }

    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        slowed(&self.slow_completes).await;
        if take_one(&self.full_completes) {
            return Err(BackendError::Full("no space left".into()));
        }
        self.inner.complete(transaction).await?;
        if take_one(&self.unanswered_completes) {
            return Err(BackendError::Failed("the answer was lost".into()));
        }
        Ok(())
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError> {
        if take_one(&self.failed_settlements) {
            return Err(BackendError::Failed("disk on fire".into()));
        }
        if take_one(&self.lost_settlements) {
            return Err(BackendError::LeaseLost);
        }
        if take_one(&self.odd_settlements) {
            return Err(BackendError::Malformed("a row of nobody's".into()));
        }
        assert!(!take_one(&self.panicking_settlements), "a bug");
        if take_one(&self.unanswered_settlements) {
            self.inner.settle(settlement).await?;
            return Err(BackendError::Failed("the answer was lost".into()));
        }
        if take_one(&self.late_settlements) {
            self.inner.settle(settlement).await?;
            tokio::time::sleep(LATE).await;
            return Ok(());
        }
        slowed(&self.slow_settlements).await;
        self.inner.settle(settlement).await
    }

    async fn lease_due(
        &self,
        session: SessionId,
        now: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Leased>, BackendError> {
        self.inner
            .lease_due(session, now, standing, limit, except)
            .await
    }

    async fn lease_for(
        &self,
        session: SessionId,
        now: Timestamp,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        slowed(&self.slow_turns).await;
        let inner = &self.inner;
        inner.lease_for(session, now, destination, limit).await
    }

    async fn lease_companions(
        &self,
        session: SessionId,
        now: Timestamp,
        companions: Vec<Companions>,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        slowed(&self.slow_companions).await;
        if take_one(&self.failed_companions) {
            return Err(BackendError::Failed("no connection".into()));
        }
        let inner = &self.inner;
        inner
            .lease_companions(session, now, companions, limit)
            .await
    }

    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Result<Option<Leased>, BackendError> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        slowed(&self.slow_leases).await;
        if take_one(&self.failed_leases) {
            return Err(BackendError::Failed("no connection".into()));
        }
        self.inner.lease(id, session, work).await
    }

    async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError> {
        self.inner.next_due(standing, except).await
    }

    async fn bring_forward(&self, by: Duration) -> Result<(), BackendError> {
        self.inner.bring_forward(by).await
    }

    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError> {
        if take_one(&self.failed_releases) {
            return Err(BackendError::Failed("disk on fire".into()));
        }
        if take_one(&self.odd_releases) {
            return Err(BackendError::NoSuchBlob);
        }
        assert!(!take_one(&self.panicking_releases), "a bug");
        slowed(&self.slow_releases).await;
        if take_one(&self.unanswered_releases) {
            self.inner.release(id, session, fence).await?;
            return Err(BackendError::Failed("the answer was lost".into()));
        }
        self.inner.release(id, session, fence).await
    }

    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError> {
        self.inner.change(change).await
    }

    async fn change_suspension(&self, change: SuspensionChange) -> Result<(), BackendError> {
        if take_one(&self.failed_suspensions) {
            return Err(BackendError::Failed("disk on fire".into()));
        }
        let changed = self.inner.change_suspension(change).await;
        slowed(&self.slow_suspensions).await;
        changed
    }

    async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError> {
        self.inner.suspensions().await
    }
}
