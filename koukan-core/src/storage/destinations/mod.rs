//! Mail that is queued for hosts that do not answer: [`Destinations`].
//!
//! An attempt that reached no host reports that ([`Unreached`]), and the other mail that is queued for
//! its destination is held back. Otherwise each attempt would fail as well, be recorded, and delay its
//! transaction.
//!
//! ```text
//!          an attempt reaches no host              the time is over
//! (free) ────────────────────────────▶ held back ─────────────────────▶ one attempt is made
//!   ▲                                     ▲                                  │    │
//!   │                                     └──────── reaches no host ─────────┘    │
//!   └──────── any attempt, also one whose client waits, reaches one of the hosts ─┘
//! ```
//!
//! Destinations with the same hosts are held back together. A transaction that was leased and not tried is given back,
//! and the attempt does not count. Mail that has waited for more than [`LATE`] is leased all the same, to check its
//! deadline, and then again less and less often. When a host answers, everything is due at once. A transaction that
//! somebody retries is attempted at once, and tries the hosts ([`Forced`](crate::signals::Forced)); the others still
//! wait. All of this is only in memory: after a restart, due mail is tried.
//!
//! A host may have a rate limit ([`Rate`]). An attempt beyond it reports that ([`OverRate`](crate::rate::OverRate)), is
//! given back, and does not count. From then on the destination's queue is leased separately: as many transactions as
//! there are turns, each of which is promised to one attempt; until nothing is due for it, or all turns are free.
//!
//! Storage is asked when the set of permitted destinations has changed. If hosts go down, or are to be
//! tried at another time, only the time of the next look changes.

mod down;
mod freed;
mod holds;
mod late;
mod rated;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    rate::Rate,
    reply::Unreached,
    signals::HostPort,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub(crate) use self::down::Down;
use self::{holds::Holds, late::Late, rated::Rated};
use super::record::{SchedulingKey, TransactionId};

/// How long mail may be due and held back before its own schedule counts.
pub(crate) const LATE: Duration = Duration::from_secs(10);
/// How many forced attempts may be pending; further ones are ordinary attempts.
const FORCED_MAX: usize = 10_000;

/// Destinations that are held back.
#[derive(Debug, Default)]
pub(crate) struct Destinations {
    state: Mutex<State>,
    /// Notified when something is released, or the time of the next look changes.
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    holds: Holds,
    rated: Rated,
    /// How often something was released.
    changes: u64,
    late: Late,
    /// The transactions whose next attempt tries hosts even if they do not answer.
    forced: BTreeSet<TransactionId>,
}

/// What to lease, and what not.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// What is held back.
    pub(crate) held: Vec<SchedulingKey>,
    /// What is attempted whenever it is due, to find out whether the hosts answer.
    pub(crate) probes: Vec<TransactionId>,
    /// Destinations with rate limits, which are leased separately.
    pub(crate) rated: Vec<(SchedulingKey, Rate)>,
    /// Transactions whose hosts answer again.
    pub(crate) freed: Vec<(SchedulingKey, TransactionId)>,
    /// Whether late transactions are to be looked for.
    pub(crate) is_round: bool,
    /// The time of this look.
    at: Option<Instant>,
    /// The number of changes that it has seen.
    changes: u64,
}

/// Whether a due transaction may be attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Free,
    /// It may, and tries the hosts.
    Probe,
    HeldBack,
}

impl Destinations {
    /// What to lease now; at most `max` transactions by identity, none for the destinations in `full`.
    pub(crate) fn look(&self, max: usize, full: &[SchedulingKey]) -> Look {
        let mut state = self.lock();
        let changes = state.changes;
        let rated = state.rated.look();
        if state.holds.is_empty() {
            state.late = Late::default();
            return Look {
                rated,
                changes,
                ..Look::default()
            };
        }
        let now = Instant::now();
        let mut look = state.holds.look(now, max, full);
        if look.held.is_empty() {
            // What is late is due like anything else.
            state.late.forget();
        }
        look.is_round = state.late.is_round(now);
        look.at = Some(now);
        look.rated = rated;
        look.changes = changes;
        look
    }

    /// All that is late was found, but for some destinations where that was `in_part`.
    pub(crate) fn round_done(&self, in_part: bool) {
        self.lock().late.round_done(Instant::now(), in_part);
    }

    /// Whether it is known when the next round is, but for the destinations in `except`.
    pub(crate) fn is_late_known(&self, except: &[SchedulingKey]) -> bool {
        self.lock().late.is_known(except)
    }

    /// Storage has said when something is late, but for what goes to the destinations in `except`.
    pub(crate) fn late_is_known(&self, next: Option<Instant>, except: &[SchedulingKey]) {
        self.lock().late.known(next, except);
    }

    /// Notes that something will be late at this time that is not looked for.
    pub(crate) fn will_be_late(&self, at: Instant) {
        let is_sooner = {
            let mut state = self.lock();
            !state.holds.is_empty() && state.late.note(at)
        };
        if is_sooner {
            self.changed.notify_waiters();
        }
    }

    /// Whether a transaction that was leased because it is due may be attempted.
    pub(crate) fn ask(&self, destination: &SchedulingKey, id: TransactionId) -> Passage {
        let mut state = self.lock();
        state.holds.ask(destination, id, Instant::now())
    }

    /// The next attempt at the transaction tries its hosts, whatever is known of them.
    pub(crate) fn force(&self, id: TransactionId) {
        let mut state = self.lock();
        if state.forced.len() < FORCED_MAX {
            state.forced.insert(id);
        }
    }

    /// Whether that was requested; the request is used up.
    pub(crate) fn take_forced(&self, id: TransactionId) -> bool {
        self.lock().forced.remove(&id)
    }

    /// Lets a transaction of a destination that is held back be attempted as soon as there is room.
    pub(crate) fn let_through(&self, destination: &SchedulingKey, id: TransactionId) {
        let mut state = self.lock();
        if state.holds.let_through(destination, id) {
            self.change(state);
        }
    }

    /// Whether anything is held back.
    pub(crate) fn is_any_held(&self) -> bool {
        !self.lock().holds.is_empty()
    }

    /// Notes that an attempt at this destination has reached no host. Returns whether its queued mail
    /// is held back; if not, there are too many such destinations.
    pub(crate) fn unreached(
        &self,
        destination: &SchedulingKey,
        id: TransactionId,
        unreached: &Unreached,
    ) -> bool {
        let mut state = self.lock();
        let is_held = state.holds.hold(destination, id, unreached, Instant::now());
        drop(state);
        // Nothing is held back no longer; but the hosts are tried at another time.
        self.changed.notify_waiters();
        is_held
    }

    /// Notes that an attempt at this destination has exceeded a rate. Returns whether its queued mail is
    /// sent in turn from now on; if not, there are too many such destinations.
    pub(crate) fn over_rate(&self, destination: &SchedulingKey, rate: &Rate) -> bool {
        rate.tell(&self.changed);
        self.lock().rated.add(destination, rate)
    }

    /// Notes how many turns there were for this destination, and how many transactions were due and leased.
    pub(crate) fn leased_in_turn(&self, destination: &SchedulingKey, count: usize, wanted: usize) {
        self.lock().rated.leased(destination, count, wanted);
    }

    /// The transaction waits for the destination's hosts, at the latest until its own schedule.
    pub(crate) fn waits(&self, destination: &SchedulingKey, id: TransactionId) {
        self.lock().holds.waits(destination, id);
    }

    /// The transaction has tried the destination's hosts in vain: it waits for them and for its own
    /// schedule.
    pub(crate) fn has_tried(&self, destination: &SchedulingKey, id: TransactionId) {
        self.lock().holds.has_tried(destination, id);
    }

    /// An attempt for that destination has reached that host.
    pub(crate) fn reached(&self, destination: &SchedulingKey, host: &HostPort) {
        let mut state = self.lock();
        if state.holds.free(destination, host, Instant::now()) {
            self.change(state);
        }
    }

    /// Notes that an attempt has ended and reported its result.
    pub(crate) fn ended(&self, id: TransactionId) {
        let is_tried = self.lock().holds.ended(id, Instant::now());
        if is_tried {
            self.changed.notify_waiters();
        }
    }

    /// Returns transactions that could not be leased now.
    pub(crate) fn put_back(&self, freed: Vec<(SchedulingKey, TransactionId)>) {
        self.lock().holds.put_back(freed);
    }

    /// Waits until the next look may have another result than this one, in which no turn was left for
    /// these rates.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub(crate) async fn changed(&self, look: &Look, without_turns: &[Rate]) {
        loop {
            // Registered before looking, so that what changes in between is not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let next = {
                let state = self.lock();
                if state.changes != look.changes {
                    return;
                }
                let probe = look.at.and_then(|at| state.holds.next(at));
                let next = probe.into_iter().chain(state.late.next_round());
                next.chain(without_turns.iter().map(Rate::next)).min()
            };
            match next {
                None => changed.await,
                Some(next) => tokio::select! {
                    biased;
                    () = changed => {}
                    () = sleep_until(next) => return,
                },
            }
        }
    }

    fn change(&self, mut state: MutexGuard<'_, State>) {
        state.changes += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
