//! The session of this process, and whether it may work on what it has under lease.
//!
//! Where several processes share a backend, each says again and again that it lives. One that is not heard for
//! a term is dead, and what it had under lease goes to others. So it has to stop before that, without having been
//! told: its clock begins when it *sends* what was answered last, which the backend hears later.
//!
//! | since then | what is done |
//! |---|---|
//! | an eighth of a term | it says so again |
//! | [`SHAKEN`] | nothing new is begun; attempts whose message has not gone out are given up, and not ready |
//! | [`LOST`] | so are all others |
//! | a term | others may have what it had |
//!
//! A process that stood still for longer, or had no processor, goes on where it was, before its timers tell it. So the
//! clock is asked whenever an attempt goes on, right before what it sends next.
//!
//! What is given up is given back as soon as the backend is heard again, uncounted. Where the session died
//! meanwhile, another begins once nothing is worked on any more; the writes of the one before do not go through.

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

/// After how many eighths of a term that which has not gone out is given up.
const SHAKEN: u32 = 5;
/// After how many all is.
const LOST: u32 = 7;
/// Reads at a time, at most, for those who wait for others to take something up.
const LOOKING_MAX: usize = 4;

/// What is given up of what is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    /// Nothing.
    None,
    /// Whatever has not gone out; without its reply nobody knows what became of what has.
    Unsent,
    /// All.
    All,
}

impl Loss {
    /// What is given up where nothing was answered for so long.
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
    /// How long it lives unless it is refreshed.
    term: Option<Duration>,
    known: Mutex<Known>,
    /// The [`Loss`] that was found out, beside `known`: it is asked for at each poll of an attempt.
    loss: AtomicU32,
    /// Since when it is told in `since`.
    base: Instant,
    /// When what was answered last was sent, in nanoseconds.
    since: AtomicU64,
    is_sound: watch::Sender<bool>,
    /// Told whenever the session was refreshed.
    refreshed: Notify,
    /// Told when the backend is heard again that was silent or failed.
    heard: Notify,
    /// One at a time sees to what others want, and have done.
    seeing_to: Arc<Semaphore>,
    /// Told where requests are taken, by one at a time.
    publishing: Arc<Semaphore>,
    /// Of those who wait for others to take something up, so many look at a time.
    looking: Semaphore,
    time: Option<Arc<BackendTime>>,
}

struct Known {
    session: SessionId,
    has_left: bool,
    address: Option<Address>,
}

/// Where requests for what the session works on are taken.
struct Address {
    text: Arc<str>,
    /// The session of which the others have been told so.
    told: Option<SessionId>,
}

impl Presence {
    /// A session that was begun at that time, where it lives for a term.
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

    /// Whether others work on the same backend, or may.
    pub(super) fn is_shared(&self) -> bool {
        self.term.is_some()
    }

    /// The session, where it may take something under lease.
    pub(super) fn leasing(&self) -> Result<SessionId, BackendError> {
        let session = self.session();
        self.holds(session)
            .then_some(session)
            .ok_or(BackendError::SessionLost)
    }

    /// Whether what that session took under lease may be worked on: it is still this one, and surely lives.
    pub(super) fn holds(&self, session: SessionId) -> bool {
        if self.term.is_none() {
            return true;
        }
        let known = self.lock();
        !known.has_left && known.session == session && self.loss() == Loss::None
    }

    /// What is given up of what is worked on. The clock is asked: a process that stood still goes on with
    /// whatever it was at, before its timers tell it.
    pub(super) fn loss(&self) -> Loss {
        self.noted_loss().max(self.loss_by_now())
    }

    /// What those who work on something were woken for.
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

    /// Notes when what was answered last was sent.
    fn note_refresh(&self, sent: Instant) {
        let since = sent.saturating_duration_since(self.base).as_nanos();
        // 584 years.
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Release);
    }

    /// Waits until the backend is heard again, where it was silent or has failed.
    pub(super) async fn heard_again(&self) {
        self.heard.notified().await;
    }

    /// Told whenever the session was refreshed.
    pub(super) fn refreshed(&self) -> &Notify {
        &self.refreshed
    }

    /// Permits for those who look what others have taken up.
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
    /// The identity of this run; where the session died of silence, of what has gone on since.
    pub fn session(&self) -> SessionId {
        self.0.presence.session()
    }

    /// How many processes work on the same backend, as it said last. What a host takes is divided among them.
    pub fn replicas(&self) -> &ReplicaCount {
        &self.0.replicas
    }

    /// Whether this process may work on what is queued: `false` while it cannot tell a backend that is shared
    /// that it lives, so that others may take over.
    pub fn is_sound(&self) -> watch::Receiver<bool> {
        self.0.presence.is_sound.subscribe()
    }

    /// Whether the session was ended on a backend that others share.
    pub(crate) fn has_left(&self) -> bool {
        let presence = &self.0.presence;
        presence.is_shared() && presence.lock().has_left
    }

    /// Ends the session, after all else: what is still under lease is given back, so that others have it at
    /// once. Nothing is worked on any more.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then the session dies of silence.
    pub async fn leave(&self) -> Result<(), BackendError> {
        let session = {
            let mut known = self.0.presence.lock();
            known.has_left = true;
            known.session
        };
        // Whoever holds something by it sees it.
        self.0.presence.refreshed.notify_waiters();
        self.backend().end_session(session).await
    }
}
