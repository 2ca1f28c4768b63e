#![doc = include_str!("../docs/storage.md")]

mod backend;
mod conclude;
mod custody;
mod draft;
mod lease;
mod lease_body;
mod listing;
mod live;
mod live_body;
mod lives;
mod memory;
mod persist;
pub mod record;
mod recorder;
mod recovery;
mod snapshot;
mod summary;
mod watch;

pub use self::{
    backend::{Backend, BackendError, Census, Collected, Recovered, Retention},
    custody::{Custody, CustodyError},
    lease::Lease,
    lease_body::LeaseBody,
    listing::{ListCursor, ListState, Listing},
    live::{Answer, AttemptEnd},
    memory::MemoryBackend,
    recorder::Recorder,
    recovery::crash_back_off,
    snapshot::{Snapshot, SnapshotBody, SnapshotPart},
    watch::{SharedBody, Watch},
};

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{blob::BlobPool, clock::SharedClock, context::Context, transaction::Mail};

use self::{
    live::{Durability, Live, State},
    lives::Lives,
    record::{Due, SessionId, Status, StoredTransaction, TransactionId, Work},
    summary::Summaries,
};

/// The only thing between the input and the output side: the live tier, over a durable
/// [`Backend`].
///
/// Clones share everything.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    pool: BlobPool,
    clock: SharedClock,
    session: SessionId,
    summaries: Summaries,
    lives: Arc<Lives>,
    /// Told when something is due before [`Inner::next_look`].
    is_due: Notify,
    /// When the dispatcher looks for due transactions next.
    next_look: Mutex<Option<Timestamp>>,
}

/// The memory budget for live transactions is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("memory budget for live transactions is used up")]
pub struct Exhausted;

impl Storage {
    /// Begins a session on `backend`.
    ///
    /// Must be called within a tokio runtime: what became of transactions that were never
    /// committed is written down by a task in the background.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn open(
        backend: Arc<dyn Backend>,
        pool: BlobPool,
        clock: SharedClock,
    ) -> Result<Self, BackendError> {
        let session = SessionId::random();
        let recovered = backend.open_session(session, clock.now()).await?;
        if recovered.freed > 0 {
            tracing::info!(freed = recovered.freed, "took up what a dead session held");
        }
        let summaries = Summaries::start(Arc::clone(&backend));
        Ok(Self(Arc::new(Inner {
            backend,
            pool,
            clock,
            session,
            summaries,
            lives: Arc::default(),
            is_due: Notify::new(),
            next_look: Mutex::new(None),
        })))
    }

    /// Starts a transaction in memory: the input side's handle, and the output side's lease.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when too much is in memory already.
    pub fn begin(
        &self,
        context: Arc<Context>,
        mail: impl Into<Option<Mail>>,
    ) -> Result<(Recorder, Lease), Exhausted> {
        if self.pool().is_exhausted() {
            return Err(Exhausted);
        }
        let live = Live::new(
            TransactionId::random(),
            self.0.clock.now(),
            context,
            mail.into(),
            State::new(),
            Arc::clone(&self.0.lives),
        );
        self.0.lives.add(&live);
        let lease = Lease::of_new(self.clone(), Arc::clone(&live));
        Ok((Recorder::new(self.clone(), live), lease))
    }

    /// Takes at most `limit` due transactions under lease.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn lease_due(&self, limit: usize) -> Result<Vec<Lease>, BackendError> {
        let now = self.0.clock.now();
        let leased = self.backend().lease_due(self.session(), now, limit).await?;
        let of_stored = |leased| Lease::of_stored(self.clone(), leased);
        Ok(leased.into_iter().map(of_stored).collect())
    }

    /// Waits until something may be due: the time of the next due transaction has come, or one
    /// that is due before was committed.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn wait_due(&self) -> Result<(), BackendError> {
        // Registered before looking, so that what is committed in between is not missed.
        let is_due = self.0.is_due.notified();
        tokio::pin!(is_due);
        is_due.as_mut().enable();
        self.set_next_look(None);
        let next = self.backend().next_due().await?;
        self.set_next_look(next);
        let Some(next) = next else {
            is_due.await;
            return Ok(());
        };
        let wait = next.duration_since(self.0.clock.now());
        let wait = std::time::Duration::try_from(wait).unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = is_due => {}
        }
        Ok(())
    }

    /// The durable tier.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// What makes the blobs of live transactions.
    pub fn pool(&self) -> &BlobPool {
        &self.0.pool
    }

    /// The wall clock.
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// The identity of this run.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// Waits until what became of transactions so far is written down.
    pub async fn flush(&self) {
        self.0.summaries.flush().await;
    }

    /// Tells whoever waits for due transactions, if this one comes before what it waits for.
    fn due_changed(&self, status: &Status) {
        let Status::Due(Due { at, .. }) = status else {
            return;
        };
        let next_look = *self.lock_next_look();
        if next_look.is_none_or(|next_look| *at < next_look) {
            self.0.is_due.notify_waiters();
        }
    }

    fn due_now(&self) -> Status {
        Status::Due(Due {
            at: self.0.clock.now(),
            work: Work::Attempt,
        })
    }

    fn set_next_look(&self, next: Option<Timestamp>) {
        *self.lock_next_look() = next;
    }

    fn lock_next_look(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        let next_look = self.0.next_look.lock();
        next_look.unwrap_or_else(PoisonError::into_inner)
    }

    fn summarise(&self, live: Arc<Live>) {
        self.0.summaries.add(live);
    }

    /// A transaction that was read back, at this moment.
    pub fn snapshot_of(&self, stored: StoredTransaction) -> Snapshot {
        Watch::new(self.live_of_stored(stored)).snapshot()
    }

    /// The live image of a transaction that was read back; where there is one already, it knows
    /// better than what was read.
    fn live_of_stored(&self, stored: StoredTransaction) -> Arc<Live> {
        let (live, _) = self.0.lives.find_or_add(stored.id, || {
            let mut state = State::new();
            state.has_all_recipients = true;
            state.body = stored.body.map(|body| self.stored_body(body));
            state.recipients = stored.recipients;
            state.terms = stored.terms;
            state.attempt_count = stored.attempt_count;
            state.last_attempt = stored.last_attempt;
            state.durability = match stored.status {
                Status::Due(due) if due.work == Work::Abandon => Durability::Draft,
                _ => Durability::Settled,
            };
            state.settle(stored.status);
            Live::new(
                stored.id,
                stored.created,
                stored.context,
                Some(stored.mail),
                state,
                Arc::clone(&self.0.lives),
            )
        });
        live
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("backend", &self.0.backend)
            .field("session", &self.0.session)
            .finish_non_exhaustive()
    }
}
