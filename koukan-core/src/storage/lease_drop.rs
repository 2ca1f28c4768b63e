//! What becomes of a lease that is dropped.

use std::{fmt, iter, sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::reply::Reply;

use super::{
    AttemptEnd, Drain, Lease, UpstreamReply,
    live::{Durability, Live, OnDrop, Side},
    record::{Attempt, Work},
};

/// How long a transaction waits after a failure to work on it, at least and at most.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let (on_drop, drain) = {
            let state = self.live.lock();
            (state.on_drop, state.drain)
        };
        match on_drop {
            OnDrop::BeginsAgain => {}
            OnDrop::Stops => self.stop(),
            OnDrop::Fails if drain != Drain::No => self.stop(),
            OnDrop::Fails if self.work() == Work::Attempt => self.fail(),
            OnDrop::Fails => self.put_off(),
        }
    }
}

impl Lease {
    /// The agent stops: it is as if no attempt had begun.
    fn stop(&self) {
        let durability = self.live.update(Side::Output, |state| {
            state.is_abandoned = true;
            match state.durability {
                Durability::Volatile => state.answers.push(UpstreamReply::Final(Reply::stopping())),
                // Whoever was promised something reads of attempts that are written down.
                _ => {
                    state.answers.clear();
                    state.attempt_count = self.attempt_count;
                }
            }
            state.durability
        });
        if let Durability::Leased { fence, .. } = durability {
            self.storage
                .releasing(&self.live, fence)
                .write_in_background();
        }
    }

    /// Whoever had the lease has failed: were the transaction due at once, it would be so for ever. It
    /// counts as an attempt that has brought no more than it has answered.
    fn fail(&self) {
        let now = self.storage.clock().now();
        let unwritten = self.live.lock().unwritten(self.attempt_count, now);
        let mut attempt = unwritten.unwrap_or_else(|| Attempt::broken_off(now, None, Vec::new()));
        self.show(&mut attempt);
        let end = AttemptEnd {
            attempt: Box::new(attempt),
            retry_at: Some(after(now, pause(self.attempt_count))),
        };
        let is_leased = self.live.update(Side::Output, |state| {
            state.is_abandoned = true;
            if state.durability == Durability::Settled {
                return false;
            }
            state.attempt_count = self.attempt_count.saturating_add(1);
            match state.durability {
                Durability::Volatile => state
                    .answers
                    .push(UpstreamReply::Final(Reply::local_error())),
                _ => state.answers.clear(),
            }
            state.end = Some(end.clone());
            matches!(state.durability, Durability::Leased { .. })
        });
        if is_leased {
            self.storage
                .settling(&self.live, end, None)
                .write_in_background();
        }
    }

    /// As `fail`, where no attempt was to be made: the longer ago the last one was, the later.
    fn put_off(&self) {
        let now = self.storage.clock().now();
        let last = self.last_attempt.as_ref().map(|attempt| attempt.ended);
        let since = now.duration_since(last.unwrap_or(self.begins()));
        let age = Duration::try_from(since).unwrap_or_default();
        let due = self.due(after(now, (age / 4).clamp(SHORTEST, LONGEST)));
        if let Some(fence) = self.forget_attempt() {
            let postponing = self.storage.postponing(&self.live, fence, due);
            postponing.write_in_background();
        }
    }

    /// What the lease is to be dropped with by whoever stops.
    pub(crate) fn stopper(&self) -> Stopper {
        let others = self.others.iter();
        Stopper {
            live: Arc::clone(&self.live),
            others: others.map(|other| Arc::clone(&other.live)).collect(),
            is_armed: true,
        }
    }
}

/// Dropped right before a lease, that is given back since the agent stops; but not in a panic.
pub(crate) struct Stopper {
    live: Arc<Live>,
    /// Those beside it.
    others: Vec<Arc<Live>>,
    is_armed: bool,
}

impl Stopper {
    /// Has the lease fail where it is dropped from now on.
    pub(crate) fn disarm(mut self) {
        self.is_armed = false;
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        if self.is_armed && !std::thread::panicking() {
            for live in iter::once(&self.live).chain(&self.others) {
                live.lock().on_drop = OnDrop::Stops;
            }
        }
    }
}

/// How long a transaction waits after a failure that came after so many attempts: from a minute, and
/// twice as long each time, up to an hour.
fn pause(attempts: u32) -> Duration {
    // Six doublings are more than an hour.
    LONGEST.min(SHORTEST * (1 << attempts.min(6)))
}

fn after(now: Timestamp, pause: Duration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_from_a_minute_to_an_hour() {
        let minutes = |attempts| pause(attempts).as_secs() / 60;
        assert_eq!([0, 1, 2, 5, 6, 7].map(minutes), [1, 2, 4, 32, 60, 60]);
        assert_eq!(minutes(u32::MAX), 60);
    }
}
