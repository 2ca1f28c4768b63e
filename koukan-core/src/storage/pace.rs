//! Detects that the wall clock was set back while the process runs.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// How far the wall clock may fall behind the passing time, from one look to the next, before it
/// counts as set back.
const TOLERANCE: Duration = Duration::from_secs(1);

/// Compares the wall clock with the passing time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    shown: Timestamp,
    since: Instant,
}

impl Pace {
    pub(super) fn new(shown: Timestamp) -> Self {
        let since = Instant::now();
        Self { shown, since }
    }

    /// Takes the time of the wall clock. Returns by how much it was set back since the last look.
    pub(super) fn follow(&mut self, shown: Timestamp, now: Instant) -> Duration {
        let passed = now.duration_since(self.since);
        let expected = self.shown.checked_add(passed).unwrap_or(Timestamp::MAX);
        *self = Self { shown, since: now };
        let behind = Duration::try_from(expected.duration_since(shown)).unwrap_or_default();
        if behind > TOLERANCE {
            behind
        } else {
            Duration::ZERO
        }
    }

    /// Forgets that it was set back by this much.
    pub(super) fn go_back(&mut self, by: Duration) {
        self.shown = self.shown.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_step_back_counts() {
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let begun = Instant::now();
        let secs = Duration::from_secs;
        let mut pace = Pace::new(start);
        for (passed, shown, set_back) in [
            (10, 10, 0),
            // Ahead by an hour, and back again.
            (20, 3620, 0),
            (30, 30, 3600),
            (40, 40, 0),
            // A clock that is slowed down.
            (50, 49, 0),
            (60, 58, 1),
            (70, -3532, 3600),
        ] {
            let shown = start + jiff::SignedDuration::from_secs(shown);
            let expected = if set_back == 1 { 0 } else { set_back };
            let found = pace.follow(shown, begun + secs(passed));
            assert_eq!(found, secs(expected), "after {passed} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_could_not_be_followed_is_seen_again() {
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let begun = Instant::now();
        let mut pace = Pace::new(start);
        let hour = Duration::from_secs(3600);
        assert_eq!(pace.follow(start - hour, begun), hour);
        pace.go_back(hour);
        assert_eq!(pace.follow(start - hour, begun), hour);
        assert_eq!(pace.follow(start - hour, begun), Duration::ZERO);
    }
}
