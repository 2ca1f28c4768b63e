//! When messages are due, if they are sent at a fixed rate.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;

/// A fixed number of messages a second from an instant on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    start: Instant,
    rate: f64,
}

impl Schedule {
    pub(super) fn new(start: Instant, rate: f64) -> Self {
        Self { start, rate }
    }

    /// When a message is due.
    pub(super) fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// How many messages are due by `now`.
    fn due_by(&self, now: Instant) -> u64 {
        let seconds = now.duration_since(self.start).as_secs_f64();
        (seconds * self.rate) as u64 + 1
    }

    /// Gives a permit for each message when it is due, until all are given or more than `bound`
    /// wait for a client. Returns the most that have waited. Whoever takes the last permit closes `permits`: to a client
    /// that has been given one and has not run since, it would be lost.
    ///
    /// It blocks: the sleep of a thread is more precise than a timer of the runtime.
    pub(super) fn release(&self, messages: u64, permits: &Semaphore, bound: usize) -> usize {
        let mut released = 0;
        let mut largest = 0;
        while released < messages {
            let waiting = permits.available_permits();
            largest = largest.max(waiting);
            if waiting > bound {
                // The clients end; messages that were not sent are missing at the destination.
                permits.close();
                return largest;
            }
            let due = self.due_by(Instant::now()).min(messages);
            permits.add_permits((due - released) as usize);
            released = due;
            sleep(self.due(released).saturating_duration_since(Instant::now()));
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::sync::Semaphore;

    use super::Schedule;

    #[test]
    fn messages_are_due_at_equal_distances() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 2000.0);
        assert_eq!(schedule.due(0), start);
        assert_eq!(schedule.due(1), start + Duration::from_micros(500));
        assert_eq!(schedule.due(4000), start + Duration::from_secs(2));
        assert_eq!(schedule.due_by(start), 1);
        assert_eq!(schedule.due_by(start + Duration::from_micros(499)), 1);
        assert_eq!(schedule.due_by(start + Duration::from_micros(501)), 2);
    }

    #[test]
    fn a_backlog_beyond_the_bound_ends_it() {
        let permits = Semaphore::new(0);
        let schedule = Schedule::new(Instant::now(), 1e6);
        // Nobody takes a permit.
        let largest = schedule.release(1_000_000, &permits, 3);
        assert!(largest > 3 && permits.is_closed());
    }
}
