//! What happens to a lease that is dropped.

use std::{fmt, iter, sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::reply::Reply;

use super::{
    AttemptEnd, Drain, Lease, UpstreamReply,
    live::{Durability, Live, OnDrop, Side},
    record::{Attempt, Work},
};

/// The shortest and the longest delay after a failure to work on a transaction.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // Before others may have the whole.
        self.parts.clear();
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
    /// The agent stops: the attempt does not count.
    fn stop(&self) {
        let durability = self.live.update(Side::Output, |state| {
            state.is_abandoned = true;
            match state.durability {
                Durability::Volatile => state.answers.push(UpstreamReply::Final(Reply::stopping())),
                // Readers of promised transactions see recorded attempts only.
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

    /// The holder of the lease has failed. If the transaction were due at once, that could repeat for
    /// ever. So it counts as an attempt with the replies that have come.
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
            self.storage.settling(&self.live, end).write_in_background();
        }
    }

    /// As `fail`, if no attempt was to be made: the longer ago the last attempt was, the longer the
    /// delay.
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

    /// A guard to be dropped just before the lease by a stop.
    pub(crate) fn stopper(&self) -> Stopper {
        let others = self.others.iter();
        Stopper {
            live: Arc::clone(&self.live),
            others: others.map(|other| Arc::clone(&other.live)).collect(),
            is_armed: true,
        }
    }
}

/// Dropped just before a lease that is given back since the agent stops; has no effect in a panic.
pub(crate) struct Stopper {
    live: Arc<Live>,
    /// The companions in the same notification.
    others: Vec<Arc<Live>>,
    is_armed: bool,
}

impl Stopper {
    /// If the lease is dropped from now on, it has failed.
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

/// The delay after a failure, by the number of attempts so far: a minute, doubled each time, up to
/// an hour.
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
