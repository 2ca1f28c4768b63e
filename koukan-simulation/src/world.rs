//! The state that all actors of a simulation share.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use koukan_core::{
    clock::Clock as _,
    test_util::{ManualClock, SeededRandom},
};
use tokio::time::Instant;

use super::{
    known::Known,
    ledger::{Account, Ledger},
    plan::{Letter, Plan},
};

/// What the agent is called in a story.
pub(crate) const AGENT: &str = "the agent";

/// The plan, the time, and what has happened.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plan: Plan,
    /// The known fault that is not ignored.
    insists: Option<Known>,
    ledger: Mutex<Ledger>,
    epoch: Mutex<Epoch>,
    /// Whether a story is recorded.
    tells: bool,
}

/// A process of the agent.
#[derive(Debug, Clone, Copy)]
enum Epoch {
    /// It began at this instant of tokio's clock, when the simulation had gone on for this long.
    Runs(Instant, Duration),
    /// The last one ended after this long, and the next has not begun.
    Ended(Duration),
}

/// A line of the story: what was said, when, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: Duration,
    pub(crate) who: String,
    pub(crate) what: String,
}

impl World {
    pub(crate) fn new(plan: Plan, insists: Option<Known>, tells: bool) -> Arc<Self> {
        Arc::new(Self {
            plan,
            insists,
            ledger: Mutex::default(),
            epoch: Mutex::new(Epoch::Ended(Duration::ZERO)),
            tells,
        })
    }

    /// Begins a process of the agent, when the simulation has gone on for `since`.
    pub(crate) fn begin_epoch(&self, since: Duration) {
        *self.lock_epoch() = Epoch::Runs(Instant::now(), since);
    }

    /// Ends it. Time stands still until the next one begins.
    pub(crate) fn end_epoch(&self) {
        let elapsed = self.elapsed();
        *self.lock_epoch() = Epoch::Ended(elapsed);
    }

    /// How long the simulation has gone on.
    pub(crate) fn elapsed(&self) -> Duration {
        match *self.lock_epoch() {
            Epoch::Runs(start, since) => since + start.elapsed(),
            Epoch::Ended(elapsed) => elapsed,
        }
    }

    /// The time of day when the simulation has gone on for `since`.
    pub(crate) fn time_of_day(since: Duration) -> Timestamp {
        let since = SignedDuration::try_from(since).expect("a simulation is short");
        ManualClock::default().now() + since
    }

    /// Whether all destinations are healthy by now.
    pub(crate) fn is_healed(&self) -> bool {
        self.elapsed() >= self.plan.healed
    }

    /// Whether a known fault is ignored.
    pub(crate) fn overlooks(&self, known: Known) -> bool {
        self.insists != Some(known)
    }

    /// The random numbers of one actor.
    pub(crate) fn random(&self, actor: u64) -> SeededRandom {
        SeededRandom::new(self.plan.seed).fork(actor)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the account of a message, which is created by the first change.
    pub(crate) fn account<T>(&self, letter: &Letter, change: impl FnOnce(&mut Account) -> T) -> T {
        let now = self.elapsed();
        let mut ledger = self.ledger();
        let account = ledger.letters.entry(letter.number);
        change(account.or_insert_with(|| Account::of(letter, now)))
    }

    /// Records a violation of a rule.
    pub(crate) fn violation(&self, what: String) {
        self.ledger().violation(what);
    }

    /// Adds a line to the story.
    pub(crate) fn tell(&self, who: &str, what: impl FnOnce() -> String) {
        self.tell_by(|| who.to_owned(), what);
    }

    /// As [`World::tell`], where computing the name takes some work.
    pub(crate) fn tell_by(&self, who: impl FnOnce() -> String, what: impl FnOnce() -> String) {
        let at = self.elapsed();
        let line = self.tells.then(|| Line {
            at,
            who: who(),
            what: what(),
        });
        let mut ledger = self.ledger();
        ledger.events += 1;
        // Only the time is hashed: the text is not computed unless somebody reads it.
        let mut hasher = DefaultHasher::new();
        (ledger.fingerprint, at).hash(&mut hasher);
        ledger.fingerprint = hasher.finish();
        ledger.story.extend(line);
    }

    fn lock_epoch(&self) -> MutexGuard<'_, Epoch> {
        self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as minutes, seconds and thousandths.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        write!(f, "{:>4}:{:02}.{millis:03}", seconds / 60, seconds % 60)
    }
}
