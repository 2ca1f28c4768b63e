//! The time of the next attempt: a pure function of the attempts so far.

use std::time::Duration;

use jiff::Timestamp;

use crate::{reply::Reply, storage::record::Attempt};

/// How often and for how long a transaction is attempted.
///
/// Evaluated at each attempt, so a change applies to queued transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The time between the first attempt and the second. It doubles with each attempt.
    pub min_attempt_time: Duration,
    /// Time between the first attempt and the second if the destination was reached and refused for now, as
    /// destinations that greylist do; `min_attempt_time` where there is none. The third attempt comes
    /// `min_attempt_time` after the second.
    pub first_retry: Option<Duration>,
    /// The longest time between two attempts.
    pub max_attempt_time: Duration,
    /// The largest number of attempts, if it is limited.
    pub max_attempts: Option<u32>,
    /// The longest time from the start of the transaction to its last attempt.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    /// From 5 minutes up to 2 hours apart, for 5 days, in accordance with RFC 5321 section 4.5.4.1.
    fn default() -> Self {
        Self {
            min_attempt_time: Duration::from_secs(5 * 60),
            first_retry: None,
            max_attempt_time: Duration::from_secs(2 * 3600),
            max_attempts: None,
            deadline: Duration::from_secs(5 * 24 * 3600),
        }
    }
}

impl RetryPolicy {
    /// With another [`RetryPolicy::min_attempt_time`].
    #[must_use]
    pub fn with_min_attempt_time(mut self, min_attempt_time: Duration) -> Self {
        self.min_attempt_time = min_attempt_time;
        self
    }

    /// With another [`RetryPolicy::first_retry`].
    #[must_use]
    pub fn with_first_retry(mut self, first_retry: Option<Duration>) -> Self {
        self.first_retry = first_retry;
        self
    }

    /// With another [`RetryPolicy::max_attempt_time`].
    #[must_use]
    pub fn with_max_attempt_time(mut self, max_attempt_time: Duration) -> Self {
        self.max_attempt_time = max_attempt_time;
        self
    }

    /// With another [`RetryPolicy::max_attempts`].
    #[must_use]
    pub fn with_max_attempts(mut self, max_attempts: Option<u32>) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// With another [`RetryPolicy::deadline`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl RetryPolicy {
    /// When to try again after `attempts` attempts (at least one), the last of which ended at
    /// `now`; `None` when attempts or time are used up.
    ///
    /// `unit`, from 0 up to 1, varies the interval by up to half of it in either direction, so that
    /// transactions that failed together are not retried together. The last attempt is made at the
    /// deadline.
    pub fn next_attempt(
        &self,
        created: Timestamp,
        attempts: u32,
        now: Timestamp,
        unit: f64,
    ) -> Option<Timestamp> {
        let deadline = self.deadline_of(created);
        if self.max_attempts.is_some_and(|max| attempts >= max) || now >= deadline {
            return None;
        }
        // A first retry of its own is none of those that double.
        let before = if self.first_retry.is_some() { 2 } else { 1 };
        let doublings = attempts.saturating_sub(before).min(31);
        let shortest = self.min_attempt_time.min(self.max_attempt_time);
        let delay = self.min_attempt_time.saturating_mul(1 << doublings);
        let delay = delay.min(self.max_attempt_time).mul_f64(0.5 + unit);
        let next = later(now, delay.clamp(shortest, self.max_attempt_time));
        Some(next.min(deadline))
    }

    /// As [`RetryPolicy::next_attempt`] after this attempt; `None` also where no recipient is left.
    pub(super) fn after(
        &self,
        attempt: &Attempt,
        created: Timestamp,
        attempts: u32,
        unit: f64,
    ) -> Option<Timestamp> {
        if attempt.is_all_delivered() {
            return None;
        }
        let (now, deadline) = (attempt.ended, self.deadline_of(created));
        let next = self.next_attempt(created, attempts, now, unit)?;
        let next = match self.first_retry {
            Some(first) if attempts == 1 && attempt.has_met_destination() => {
                later(now, spread(first, unit))
            }
            _ => next,
        };
        let asked = attempt.asked_to_wait().map(|wait| later(now, wait));
        Some(asked.map_or(next, |asked| asked.max(next)).min(deadline))
    }

    /// The end of the time of a transaction.
    pub(super) fn deadline_of(&self, created: Timestamp) -> Timestamp {
        later(created, self.deadline)
    }

    /// When a transaction that is held back is looked at again: the longer it has waited, the later,
    /// but after `max_attempt_time` and at the deadline at the latest. `None` when time is used up.
    ///
    /// Looks do not count as attempts. `unit` is as in [`RetryPolicy::next_attempt`].
    pub(super) fn next_look(
        &self,
        created: Timestamp,
        now: Timestamp,
        unit: f64,
    ) -> Option<Timestamp> {
        let deadline = self.deadline_of(created);
        if now >= deadline {
            return None;
        }
        let age = Duration::try_from(now.duration_since(created)).unwrap_or_default();
        let shortest = self.min_attempt_time.min(self.max_attempt_time);
        let wait = age
            .mul_f64(0.75 + unit / 2.0)
            .clamp(shortest, self.max_attempt_time);
        Some(later(now, wait).min(deadline))
    }
}

/// A time that is never shorter than `shortest`, and half as long again at most.
fn spread(shortest: Duration, unit: f64) -> Duration {
    shortest.mul_f64((0.5 + unit).max(1.0))
}

fn later(time: Timestamp, wait: Duration) -> Timestamp {
    time.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// When to retry a transaction whose message could not be read from storage, for which no
/// destination is to blame: after a quarter of its age, but at least a minute and at most an hour.
/// It is never given up, however old it is.
pub(super) fn after_failed_read(created: Timestamp, now: Timestamp) -> Timestamp {
    let age = Duration::try_from(now.duration_since(created)).unwrap_or_default();
    let [shortest, longest] = [Duration::from_secs(60), Duration::from_secs(3600)];
    let wait = (age / 4).clamp(shortest, longest);
    later(now, wait)
}

/// Whether the attempt was ended for some recipients since the agent stops: they are attempted at once, by another
/// agent or after the next start. Another agent that stops says the same of itself.
pub(super) fn is_stopped(attempt: &Attempt, is_stopping: bool) -> bool {
    let own = attempt
        .recipient_replies
        .iter()
        .chain(&attempt.final_replies);
    let mut replies = own.flatten().chain([&attempt.final_reply]);
    is_stopping && replies.any(|reply| *reply == Reply::stopping())
}

#[cfg(test)]
mod tests {
    use crate::reply::{RetryAfter, Unreached};

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        min_attempt_time: Duration::from_secs(10),
        first_retry: None,
        max_attempt_time: Duration::from_secs(100),
        max_attempts: Some(6),
        deadline: Duration::from_secs(1000),
    };

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    #[test]
    fn doubles_within_its_bounds() {
        for (attempts, unit, delay) in [
            (1, 0.5, 10),
            (2, 0.5, 20),
            (3, 0.5, 40),
            (4, 0.5, 80),
            (5, 0.5, 100),
            (1, 0.0, 10),
            (3, 0.0, 20),
            (4, 0.99, 100),
        ] {
            let next = POLICY.next_attempt(at(0), attempts, at(50), unit);
            assert_eq!(next, Some(at(50 + delay)), "{attempts} {unit}");
        }
    }

    fn attempt(final_reply: Reply) -> Attempt {
        Attempt {
            started: at(49),
            ended: at(50),
            mail_reply: None,
            recipient_replies: vec![None],
            final_reply,
            final_replies: Vec::new(),
            remote: None,
            shown: None,
            tls: None,
            conversation: None,
            suppresses: Vec::new(),
        }
    }

    #[test]
    fn what_was_ended_by_a_stop_is_due_at_once() {
        let (stopping, busy) = (Reply::stopping(), Reply::mailbox_busy());
        let at_rcpt = |reply: &Reply| Attempt {
            recipient_replies: vec![Some(Reply::recipient_ok()), Some(reply.clone())],
            ..attempt(Reply::message_accepted())
        };
        let at_end = |reply: &Reply| Attempt {
            final_replies: vec![Some(Reply::message_accepted()), Some(reply.clone())],
            ..attempt(busy.clone())
        };
        for (attempt, expected) in [
            (attempt(stopping.clone()), true),
            (attempt(busy.clone()), false),
            (at_rcpt(&stopping), true),
            (at_rcpt(&busy), false),
            (at_end(&stopping), true),
            (at_end(&busy), false),
        ] {
            assert_eq!(is_stopped(&attempt, true), expected, "{attempt:?}");
            assert!(!is_stopped(&attempt, false));
        }
    }

    #[test]
    fn who_greylists_is_tried_again_soon_and_who_is_not_reached_is_not() {
        let unreached = Reply::connection_failed().with_extension(Unreached {
            hosts: [].into(),
            until: tokio::time::Instant::now(),
            is_tried: true,
        });
        let soon = POLICY.with_first_retry(Some(Duration::from_secs(2)));
        for (policy, reply, attempts, unit, delay) in [
            (POLICY, Reply::mailbox_busy(), 1, 0.5, 10),
            (soon, Reply::mailbox_busy(), 1, 0.0, 2),
            (soon, Reply::mailbox_busy(), 1, 0.99, 2),
            (soon, unreached, 1, 0.5, 10),
            (soon, Reply::mailbox_busy(), 2, 0.5, 10),
            (soon, Reply::mailbox_busy(), 3, 0.5, 20),
            (soon, Reply::mailbox_busy(), 6, 0.5, 0),
        ] {
            let attempt = attempt(reply);
            let next = policy.after(&attempt, at(0), attempts, unit);
            let next = next.map_or(0, |next| next.as_second() - 50);
            assert_eq!(next, delay, "{policy:?} {attempts} {unit}");
        }
        // No longer than there is time for.
        let late = soon.after(&attempt(Reply::mailbox_busy()), at(-949), 1, 0.5);
        assert_eq!(late, Some(at(51)));
    }

    #[test]
    fn who_asks_for_time_is_left_alone_for_so_long() {
        let asks = |seconds| RetryAfter(Duration::from_secs(seconds));
        let soon = POLICY.with_first_retry(Some(Duration::from_secs(2)));
        for (policy, seconds, delay) in [
            (POLICY, 3, 10),
            (POLICY, 70, 70),
            (soon, 70, 70),
            (POLICY, 5000, 950),
        ] {
            let reply = Reply::overloaded().with_extension(asks(seconds));
            let next = policy.after(&attempt(reply), at(0), 1, 0.5);
            assert_eq!(next, Some(at(50 + delay)), "{seconds}");
        }
    }

    #[test]
    fn what_is_held_back_is_looked_at_less_often_the_longer_it_waits() {
        for (age, unit, next) in [
            (0, 0.5, Some(10)),
            (12, 0.5, Some(24)),
            (40, 0.0, Some(70)),
            (40, 0.5, Some(80)),
            (400, 0.5, Some(500)),
            (950, 0.5, Some(1000)),
            (1000, 0.5, None),
        ] {
            let found = POLICY.next_look(at(7), at(7 + age), unit);
            assert_eq!(found, next.map(|next| at(7 + next)), "{age}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_tried_for_ever() {
        for (age, wait) in [(0, 60), (239, 60), (400, 100), (20_000, 3600), (-5, 60)] {
            let next = after_failed_read(at(1000), at(1000 + age));
            assert_eq!(next, at(1000 + age + wait), "{age}");
        }
    }

    #[test]
    fn ends_with_attempts_or_time() {
        assert_eq!(POLICY.next_attempt(at(0), 6, at(50), 0.5), None);
        assert_eq!(POLICY.next_attempt(at(0), 1, at(1000), 0.5), None);
        // The last attempt is made at the deadline.
        assert_eq!(POLICY.next_attempt(at(0), 1, at(995), 0.5), Some(at(1000)));
        let for_ever = RetryPolicy {
            max_attempts: None,
            ..POLICY
        };
        assert!(
            for_ever
                .next_attempt(at(0), u32::MAX, at(50), 0.5)
                .is_some()
        );
    }
}
