#![doc = include_str!("../docs/storage.md")]

mod backend;
mod bans;
mod cancel;
mod change;
mod commit;
mod company;
mod conclude;
mod custody;
mod destinations;
mod doubt;
mod drain;
mod due;
mod ending;
mod events;
mod garbage;
mod image;
mod kept_parts;
mod lease;
mod lease_body;
mod lease_drop;
mod lease_end;
mod lease_for;
mod listing;
mod live;
mod live_body;
mod memory;
mod message_keys;
mod notification;
mod overdue;
mod pace;
mod page;
mod patience;
mod persist;
mod presence;
mod read_together;
mod reader;
pub mod record;
mod recorder;
mod recovery;
mod refused;
mod registry;
mod report;
mod retention;
mod search;
mod sides;
mod snapshot;
mod spellings;
mod summary;
mod suppression_list;
mod suppressions;
mod suspensions;
mod told_together;
mod watch;
mod whereabouts;

pub use self::{
    backend::{
        Backend, BackendError, BansChanged, Blobs, CLOCK_TOLERANCE, Census, LiveSession, Queue,
        QueueDepth, Records, Recovered, Refreshed, Sessions, SuppressionLists,
    },
    custody::{Custody, CustodyError},
    drain::Drain,
    events::{EventPage, EventQuery},
    lease::Lease,
    lease_body::LeaseBody,
    listing::{InvalidCursor, ListCursor, Listing, QueueState},
    live::{AttemptEnd, UpstreamReply},
    memory::MemoryBackend,
    recorder::Recorder,
    recovery::crash_back_off,
    retention::{EventRetention, Removed, Retention},
    search::{Search, SearchTerms, Searched},
    snapshot::{Snapshot, SnapshotBody, SnapshotPart},
    suspensions::Suspended,
    watch::{SharedBody, Watch},
};
pub(crate) use self::{
    company::{Beside, Company, Limits},
    destinations::{Destinations, Down, Look, Passage},
    drain::Halt,
    lease_drop::Stopper,
    told_together::TOLD_MAX,
};

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
};

use tokio::{runtime::Handle, sync::Semaphore, time::Instant};

use crate::{
    blob::{Account, BlobPool, Payer},
    clock::SharedClock,
    context::Context,
    event::Observers,
    rate::ReplicaCount,
    signals::{Signals, TraceId},
    sync::Mutex,
    transaction::Mail,
};

use self::{
    bans::Bans,
    due::Looks,
    live::{Live, State},
    pace::Pace,
    presence::{BackendTime, Presence},
    record::{Due, SessionId, Status, TransactionId, Work},
    registry::Registry,
    summary::Summaries,
    suppressions::Suppressions,
    suspensions::Suspensions,
};

/// The link between the input and the output side: the live tier, over a durable [`Backend`].
///
/// Clones share everything.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    pool: BlobPool,
    clock: SharedClock,
    observers: Observers,
    presence: Arc<Presence>,
    replicas: ReplicaCount,
    summaries: Summaries,
    /// Set if events are committed before replies.
    events_first: OnceLock<()>,
    registry: Arc<Registry>,
    looks: Looks,
    destinations: Destinations,
    bans: Bans,
    suspensions: Suspensions,
    suppressions: Suppressions,
    pace: Mutex<Pace>,
    /// One permit for each write in the background.
    background: Arc<Semaphore>,
    /// One permit for each commit with an unknown result.
    in_doubt: Arc<Semaphore>,
}

/// How many background writes are counted; more are not counted.
const BACKGROUND_MAX: u32 = 1 << 20;

/// There is no room for another transaction: the memory budget is used up, or the medium has no more
/// than its reserve left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for another transaction, in memory or on the medium")]
pub struct Exhausted;

impl Storage {
    /// Begins a session on `backend`.
    ///
    /// Must be called within a tokio runtime: a background task writes summaries of transactions
    /// that were never committed.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn open(
        backend: Arc<dyn Backend>,
        pool: BlobPool,
        clock: SharedClock,
    ) -> Result<Self, BackendError> {
        Self::open_observed(backend, pool, clock, Observers::default()).await
    }

    /// As [`Storage::open`]. Observers are told what happens to transactions, also by the stages
    /// over this storage.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn open_observed(
        backend: Arc<dyn Backend>,
        pool: BlobPool,
        clock: SharedClock,
        observers: Observers,
    ) -> Result<Self, BackendError> {
        let session = SessionId::random();
        let term = backend.session_term();
        let time = term.map(|_| Arc::new(BackendTime::new(SharedClock::clone(&clock))));
        let clock = time.clone().map_or(clock, |time| time as SharedClock);
        let pace = Pace::new(clock.now());
        let begun = Instant::now();
        let recovered = backend.open_session(session, clock.now()).await?;
        if recovered.freed > 0 {
            tracing::info!(
                freed = recovered.freed,
                "took over the transactions of a dead session"
            );
        }
        if !recovered.brought_forward.is_zero() {
            due::warn_of_set_back(recovered.brought_forward);
        }
        let (bans, suspensions, suppressions) = Bans::read(&*backend).await?;
        let summaries = Summaries::start(Arc::clone(&backend));
        let term = term.map(|term| (term, begun));
        let presence = Arc::new(Presence::new(session, term, time));
        let storage = Self(Arc::new(Inner {
            backend,
            pool,
            clock,
            observers,
            registry: Arc::new(Registry::new(Arc::clone(&presence))),
            presence,
            replicas: ReplicaCount::default(),
            summaries,
            events_first: OnceLock::new(),
            looks: Looks::default(),
            destinations: Destinations::default(),
            bans,
            suspensions,
            suppressions,
            pace: Mutex::new(pace),
            background: Arc::new(Semaphore::new(BACKGROUND_MAX as usize)),
            in_doubt: Arc::new(Semaphore::new(doubt::MAX)),
        }));
        storage.keep_session(begun).await?;
        storage.follow_bans();
        Ok(storage)
    }

    /// Starts a transaction in memory. Returns the input side's handle and the output side's lease.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] when the memory budget is used up, or the medium is nearly full.
    pub fn begin(
        &self,
        context: Arc<Context>,
        mail: impl Into<Option<Mail>>,
    ) -> Result<(Recorder, Lease), Exhausted> {
        self.begin_with(context, mail, Signals::default())
    }

    /// As [`Storage::begin`], with signals that are shared with whoever set them; durable signals
    /// accompany the transaction. The first transaction of a message has the message's id as its own.
    ///
    /// # Errors
    ///
    /// [`Exhausted`].
    pub fn begin_with(
        &self,
        context: Arc<Context>,
        mail: impl Into<Option<Mail>>,
        signals: Signals,
    ) -> Result<(Recorder, Lease), Exhausted> {
        self.begin_as(None, context, mail.into(), signals)
    }

    /// As [`Storage::begin_with`], with this identity, if it has one already.
    pub(crate) fn begin_as(
        &self,
        id: Option<TransactionId>,
        context: Arc<Context>,
        mail: Option<Mail>,
        signals: Signals,
    ) -> Result<(Recorder, Lease), Exhausted> {
        let size = mail.as_ref().and_then(|mail| mail.parameters.size());
        let account = self.account(&context, &signals);
        if !account.advance(size) || !self.has_room() {
            return Err(Exhausted);
        }
        let new_id = || self.new_id();
        let own = || signals.claim_trace_id(|| TraceId::from(new_id()));
        let own = || own().map(TransactionId::from);
        let live = Live::new(
            id.or_else(own).unwrap_or_else(new_id),
            self.0.clock.now(),
            (context, signals),
            mail,
            State::new(),
            Arc::clone(&self.0.registry),
        );
        self.0.registry.add(&live);
        let lease = Lease::of_new(self.clone(), Arc::clone(&live));
        Ok((Recorder::new(self.clone(), live), lease))
    }

    /// The durable tier.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// Whether the durable tier has room for new mail.
    pub fn has_room(&self) -> bool {
        self.backend().has_room()
    }

    /// Creates the blobs of live transactions.
    pub fn pool(&self) -> &BlobPool {
        &self.0.pool
    }

    /// The account that a transaction is charged to: its client's, unless another one is set.
    fn account<'a>(&self, context: &Context, signals: &'a Signals) -> &'a Account {
        signals.account_or(|| self.pool().account(Payer::Client(context.client())))
    }

    /// The wall clock.
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// Destinations whose hosts do not answer.
    pub(crate) fn destinations(&self) -> &Destinations {
        &self.0.destinations
    }

    /// Waits until all summaries so far are written, and dropped leases are given back.
    pub async fn flush(&self) {
        // All permits are available when nobody has one.
        let _ = self.0.background.acquire_many(BACKGROUND_MAX).await;
        self.0.summaries.flush().await;
    }

    /// Runs work that only [`Storage::flush`] waits for.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime the process is ending, and its leases end with its session.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let counted = Arc::clone(&self.0.background).try_acquire_owned();
        runtime.spawn(async move {
            work.await;
            drop(counted);
        });
    }

    fn due_now(&self) -> Status {
        Status::Due(Due {
            at: self.0.clock.now(),
            work: Work::Attempt,
        })
    }

    /// The time of the first attempt: now, or the time of sending.
    fn due_first(&self, live: &Live) -> Status {
        let now = self.0.clock.now();
        let at = live.send_at().map_or(now, |at| at.max(now));
        let work = Work::Attempt;
        Status::Due(Due { at, work })
    }

    /// From now on clients are told that upstream has accepted their message only when its events are
    /// committed, if the backend keeps events. Without this, events are written some time later, and a
    /// crash may lose them.
    pub fn commit_events_first(&self) {
        // Once is enough.
        let _ = self.0.events_first.set(());
    }

    /// Whether that is so.
    pub(crate) fn commits_events_first(&self) -> bool {
        self.0.events_first.get().is_some() && self.backend().keeps_events()
    }

    fn summarise(&self, live: Arc<Live>) {
        self.0.summaries.add(live);
    }

    /// As `summarise`; also waits until it is written, if events are committed first.
    async fn summarise_first(&self, live: Arc<Live>) {
        match self.commits_events_first() {
            true => self.0.summaries.write(live).await,
            false => self.summarise(live),
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("backend", &self.0.backend)
            .field("session", &self.session())
            .finish_non_exhaustive()
    }
}
