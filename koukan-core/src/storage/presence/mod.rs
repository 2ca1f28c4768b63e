//! The session of this process, and whether it may work on its leases.
//!
//! Where several processes share a backend, each refreshes its session regularly. A session that is not refreshed
//! for a term is dead, and its leases go to others. A process must therefore stop before that, without being
//! told. Its clock starts when it *sends* the last refresh that was answered, which is before the backend
//! receives it.
//!
//! | time since then | what is done |
//! |---|---|
//! | an eighth of a term | it refreshes the session again |
//! | [`SHAKEN`] | nothing new is begun; attempts whose message was not sent are given up; the agent is not ready |
//! | [`LOST`] | all other attempts are given up, too |
//! | a term | others may have its leases |
//!
//! A process that stood still for longer continues where it was, before its timers tell it. So the clock is read
//! whenever an attempt continues, right before what it sends next.
//!
//! Work that is given up is given back, without counting, as soon as the backend answers again. If the session has
//! died meanwhile, another one begins once nothing is worked on; writes of the dead session fail.

mod address;
mod keeper;
mod time;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, Semaphore, watch},
    time::Instant,
};

use crate::{
    rate::ReplicaCount,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use super::{BackendError, Storage, record::SessionId};

pub(super) use self::time::BackendTime;

/// After how many eighths of a term attempts are given up whose message was not sent.
const SHAKEN: u32 = 5;
/// After how many all attempts are given up.
const LOST: u32 = 7;
/// How many reads run at a time for those who wait for other processes to take something over.
const LOOKING_MAX: usize = 4;

/// Which work is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// Nothing.
    None,
    /// Everything that was not sent; the result of a message that was sent is known only by its
    /// reply.
    Unsent,
    /// All.
    All,
}

impl Loss {
    /// What is given up after this much time without an answer.
    fn after(silence: Duration, term: Duration) -> Self {
        if silence >= eighths(term, LOST) {
            Self::All
        } else if silence >= eighths(term, SHAKEN) {
            Self::Unsent
        } else {
            Self::None
        }
    }
}

/// The session of this process.
pub(super) struct Presence {
    /// How long it lives without a refresh.
    term: Option<Duration>,
    known: Mutex<Known>,
    /// The [`Loss`] noticed so far, separate from `known`, since every poll of an attempt reads it.
    loss: AtomicU32,
    /// The origin of the times in `since`.
    base: Instant,
    /// When the last answered refresh was sent, in nanoseconds.
    since: AtomicU64,
    is_sound: watch::Sender<bool>,
    /// Notified at every refresh of the session.
    refreshed: Notify,
    /// Notified when the backend answers again after it was silent or failed.
    heard: Notify,
    /// A permit to handle requests of other processes.
    seeing_to: Arc<Semaphore>,
    /// A permit to publish the address.
    publishing: Arc<Semaphore>,
    /// Permits for those who wait for other processes to take something over.
    looking: Semaphore,
    time: Option<Arc<BackendTime>>,
}

struct Known {
    session: SessionId,
    has_left: bool,
    address: Option<Address>,
}

/// The address for requests about this session's transactions.
struct Address {
    /// `None` once it was withdrawn.
    text: Option<Arc<str>>,
    /// The session for which it is published.
    told: Option<SessionId>,
}

impl Presence {
    /// A session begun at this time, with this term.
    pub(super) fn new(
        session: SessionId,
        term: Option<(Duration, Instant)>,
        time: Option<Arc<BackendTime>>,
    ) -> Self {
        Self {
            base: term.map_or_else(Instant::now, |(_, since)| since),
            since: AtomicU64::new(0),
            term: term.map(|(term, _)| term),
            known: Mutex::new(Known {
                session,
                has_left: false,
                address: None,
            }),
            loss: AtomicU32::new(Loss::None as u32),
            is_sound: watch::Sender::new(true),
            refreshed: Notify::new(),
            heard: Notify::new(),
            seeing_to: Arc::new(Semaphore::new(1)),
            publishing: Arc::new(Semaphore::new(1)),
            looking: Semaphore::new(LOOKING_MAX),
            time,
        }
    }

    pub(super) fn session(&self) -> SessionId {
        self.lock().session
    }

    /// Whether other processes work on the same backend, or may.
    pub(super) fn is_shared(&self) -> bool {
        self.term.is_some()
    }

    /// How often the session is refreshed; `None` where the store belongs to this process.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.term.map(|term| eighths(term, 1))
    }

    /// The session, if it may take leases.
    pub(super) fn leasing(&self) -> Result<SessionId, BackendError> {
        let session = self.session();
        self.holds(session)
            .then_some(session)
            .ok_or(BackendError::SessionLost)
    }

    /// Whether leases of this session may be worked on: it is the current one, and certainly alive.
    pub(super) fn holds(&self, session: SessionId) -> bool {
        if self.term.is_none() {
            return true;
        }
        let known = self.lock();
        !known.has_left && known.session == session && self.loss() == Loss::None
    }

    /// Which work must be given up. It reads the clock, since a process that stood still continues before
    /// its timers tell it.
    pub(super) fn loss(&self) -> Loss {
        self.noted_loss().max(self.loss_by_now())
    }

    /// The loss that those at work were woken for.
    fn noted_loss(&self) -> Loss {
        match self.loss.load(Ordering::Acquire) {
            0 => Loss::None,
            1 => Loss::Unsent,
            _ => Loss::All,
        }
    }

    fn loss_by_now(&self) -> Loss {
        let Some(term) = self.term else {
            return Loss::None;
        };
        let since = self.base + Duration::from_nanos(self.since.load(Ordering::Acquire));
        Loss::after(since.elapsed(), term)
    }

    /// Notes when the last answered refresh was sent.
    fn note_refresh(&self, sent: Instant) {
        let since = sent.saturating_duration_since(self.base).as_nanos();
        // 584 years.
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Release);
    }

    /// Waits until the backend answers again, after it was silent or failed.
    pub(super) async fn heard_again(&self) {
        self.heard.notified().await;
    }

    /// Notified at every refresh of the session.
    pub(super) fn refreshed(&self) -> &Notify {
        &self.refreshed
    }

    /// Permits for looking at what other processes have taken over.
    pub(super) fn looking(&self) -> &Semaphore {
        &self.looking
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn eighths(term: Duration, count: u32) -> Duration {
    term * count / 8
}

impl Storage {
    /// The identity of this session. If it has died, the identity of its successor.
    pub fn session(&self) -> SessionId {
        self.0.presence.session()
    }

    /// The number of processes over the same backend, by its last answer. The limits of hosts are divided
    /// among them.
    pub fn replicas(&self) -> &ReplicaCount {
        &self.0.replicas
    }

    /// Whether this process may work on the queue: `false` while it cannot refresh its session in a shared
    /// backend, so that others may take over.
    pub fn is_sound(&self) -> watch::Receiver<bool> {
        self.0.presence.is_sound.subscribe()
    }

    /// Whether the session has left a shared backend.
    pub(crate) fn has_left(&self) -> bool {
        let presence = &self.0.presence;
        presence.is_shared() && presence.lock().has_left
    }

    /// Ends the session, after everything else: its remaining leases are given back, so that others have
    /// them at once. Nothing may be worked on any more.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then the session dies at the end of its term.
    pub async fn leave(&self) -> Result<(), BackendError> {
        let session = {
            let mut known = self.0.presence.lock();
            known.has_left = true;
            known.session
        };
        // Whoever holds something under the session notices.
        self.0.presence.refreshed.notify_waiters();
        self.backend().end_session(session).await
    }
}
