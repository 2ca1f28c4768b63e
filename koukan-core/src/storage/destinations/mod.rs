//! What is queued for hosts that do not answer: [`Destinations`].
//!
//! An attempt that reached no host says so ([`Unreached`]), and what else is queued for its destination
//! is held back: it would fare alike, and each attempt would be written down and put it off.
//!
//! ```text
//!          an attempt reaches no host              the time is over
//! (free) ────────────────────────────▶ held back ─────────────────────▶ one attempt is made
//!   ▲                                     ▲                                  │    │
//!   │                                     └──────── reaches no host ─────────┘    │
//!   └──────── any attempt, also one whose client waits, reaches one of the hosts ─┘
//! ```
//!
//! Destinations that lead to the same hosts are held back together. What was leased and not tried is
//! given back, and does not count as an attempt; whatever waits for more than [`LATE`] is leased all the
//! same, to see whether its time is up, and then again less and less often. Once a host answers, that is
//! due at once as well. What somebody asks to be retried is attempted at once, and tries the hosts
//! ([`Forced`](crate::signals::Forced)); the others still wait. All of this is in memory only: after a restart, what is due is tried.
//!
//! A host may take only so many messages in a time ([`Rate`]). An attempt that is one too many says so
//! ([`OverRate`](crate::rate::OverRate)), is given back and counts as none; from then on what is queued for
//! its destination is leased by itself, as many as there are turns for, each of which is promised to one
//! attempt, until nothing is due for it, or all turns are there.
//!
//! Storage is asked when what may go has changed. That hosts are down, or will be tried at another time,
//! changes nothing of it: that only sets the time of the next look.

mod down;
mod freed;
mod holds;
mod late;
mod rated;

use std::{collections::BTreeSet, time::Duration};

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

/// How long something may be due and held back before its own schedule counts.
pub(crate) const LATE: Duration = Duration::from_secs(10);
/// Attempts that are asked for and were not made yet, at most; more are made as any other.
const FORCED_MAX: usize = 10_000;

/// Destinations that are held back.
#[derive(Debug, Default)]
pub(crate) struct Destinations {
    state: Mutex<State>,
    /// Told when something is held back no longer, or the time of the next look is another.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    holds: Holds,
    rated: Rated,
    /// How often something was held back no longer.
    changes: u64,
    late: Late,
    /// Whose next attempt is to try hosts also where they do not answer.
    forced: BTreeSet<TransactionId>,
}

/// What is to be leased, and what is not.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// What is held back.
    pub(crate) held: Vec<SchedulingKey>,
    /// What is to be attempted whenever it is due, to see whether the hosts answer.
    pub(crate) probes: Vec<TransactionId>,
    /// Destinations to which only so many messages may go in a time: leased by themselves.
    pub(crate) rated: Vec<(SchedulingKey, Rate)>,
    /// What has waited for hosts that answer again.
    pub(crate) freed: Vec<(SchedulingKey, TransactionId)>,
    /// Whether what is late is to be looked for.
    pub(crate) is_round: bool,
    /// When this was.
    at: Option<Instant>,
    /// Up to which change this holds.
    changes: u64,
}

/// Whether a due transaction may be attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    Free,
    /// It is the one that tries the hosts.
    Probe,
    HeldBack,
}

impl Destinations {
    /// What is to be leased now, `max` at most by their identities, but for those of the destinations in
    /// `full`.
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

    /// Something that is not looked for will be late then.
    pub(crate) fn will_be_late(&self, at: Instant) {
        let is_sooner = {
            let mut state = self.lock();
            !state.holds.is_empty() && state.late.note(at)
        };
        if is_sooner {
            self.changed.notify_waiters();
        }
    }

    /// Whether a transaction that was leased since it is due may be attempted.
    pub(crate) fn ask(&self, destination: &SchedulingKey, id: TransactionId) -> Passage {
        let mut state = self.lock();
        state.holds.ask(destination, id, Instant::now())
    }

    /// The next attempt at the transaction is to try its hosts, whatever is known of them.
    pub(crate) fn force(&self, id: TransactionId) {
        let mut state = self.lock();
        if state.forced.len() < FORCED_MAX {
            state.forced.insert(id);
        }
    }

    /// Whether that was to be, which is over with this.
    pub(crate) fn take_forced(&self, id: TransactionId) -> bool {
        self.lock().forced.remove(&id)
    }

    /// Has a transaction attempted as soon as there is room, where its destination is held back.
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

    /// An attempt for that destination has reached no host. Whether what is queued for it is held back;
    /// otherwise there are too many already.
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

    /// An attempt for that destination was told that it was one too many for the time. Whether what is
    /// queued for it goes in turn from now on; otherwise there are too many such destinations already.
    pub(crate) fn over_rate(&self, destination: &SchedulingKey, rate: &Rate) -> bool {
        self.lock().rated.add(destination, rate)
    }

    /// So many as there are turns for were wanted of what goes to that destination, and so many were due and
    /// leased.
    pub(crate) fn leased_in_turn(&self, destination: &SchedulingKey, count: usize, wanted: usize) {
        self.lock().rated.leased(destination, count, wanted);
    }

    /// An attempt has ended for which there was a turn.
    pub(crate) fn turn_ended(&self) {
        self.changed.notify_waiters();
    }

    /// The transaction waits for that destination's hosts, and for its own schedule at the latest.
    pub(crate) fn waits(&self, destination: &SchedulingKey, id: TransactionId) {
        self.lock().holds.waits(destination, id);
    }

    /// The transaction has tried that destination's hosts in vain: it waits for them as well as for its own
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

    /// An attempt is over, and has said what it has to say.
    pub(crate) fn ended(&self, id: TransactionId) {
        let is_tried = self.lock().holds.ended(id, Instant::now());
        if is_tried {
            self.changed.notify_waiters();
        }
    }

    /// These could not be leased just now.
    pub(crate) fn put_back(&self, freed: Vec<(SchedulingKey, TransactionId)>) {
        self.lock().holds.put_back(freed);
    }

    /// Waits until the next look may find something else than that one, where no turn was left of those
    /// rates.
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
