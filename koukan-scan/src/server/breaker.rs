//! When a server is treated as down and nobody waits for it.

use std::time::Duration;

use tokio::time::Instant;

/// Whether a server is asked.
///
/// | state | who may ask | next state |
/// |---|---|---|
/// | up | everybody | down, after the permitted number of failures with no success between them |
/// | down | nobody | trying, when the first caller asks after the pause |
/// | trying | only that caller | up when it succeeds; down for another pause when it fails; down without a pause when it gives up |
#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    pause: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up { failures: u32 },
    Down { until: Instant },
    Trying,
}

/// The role of a caller who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// An ordinary question.
    Ordinary,
    /// This caller finds out whether the server is there again.
    Probe,
}

/// What changed for other callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    WentDown,
    CameBack,
}

impl Breaker {
    pub(super) fn new(failures_max: u32, pause: Duration) -> Self {
        Self {
            failures_max: failures_max.max(1),
            pause,
            state: State::Up { failures: 0 },
        }
    }

    /// Whether everybody may ask.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Whether the next caller becomes the probe.
    pub(super) fn is_to_be_tried(&self, now: Instant) -> bool {
        matches!(self.state, State::Down { until } if now >= until)
    }

    /// Asks for permission to ask.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Part> {
        match self.state {
            State::Up { .. } => Some(Part::Ordinary),
            State::Down { until } if now >= until => {
                self.state = State::Trying;
                Some(Part::Probe)
            }
            State::Down { .. } | State::Trying => None,
        }
    }

    /// The server has answered.
    pub(super) fn succeeded(&mut self) -> Change {
        let was_up = self.is_up();
        self.state = State::Up { failures: 0 };
        match was_up {
            true => Change::None,
            false => Change::CameBack,
        }
    }

    /// The server has failed.
    pub(super) fn failed(&mut self, part: Part, now: Instant) -> Change {
        match self.state {
            State::Up { failures } if failures + 1 < self.failures_max => {
                self.state = State::Up {
                    failures: failures + 1,
                };
                Change::None
            }
            State::Up { .. } => {
                self.state = State::Down {
                    until: now + self.pause,
                };
                Change::WentDown
            }
            State::Trying if part == Part::Probe => {
                self.state = State::Down {
                    until: now + self.pause,
                };
                Change::None
            }
            // This question began before the state changed.
            State::Trying | State::Down { .. } => Change::None,
        }
    }

    /// The caller gave up, and learnt nothing about the server.
    pub(super) fn left(&mut self, part: Part, now: Instant) {
        if part == Part::Probe && self.state == State::Trying {
            self.state = State::Down { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_server_that_fails_is_left_alone_and_tried_by_one() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE);
        let ordinary = Part::Ordinary;
        // A success resets the count of failures.
        for _ in 0..2 {
            assert_eq!(breaker.failed(ordinary, now), Change::None);
            assert_eq!(breaker.failed(ordinary, now), Change::None);
            assert_eq!(breaker.succeeded(), Change::None);
        }
        assert_eq!(breaker.failed(ordinary, now), Change::None);
        assert_eq!(breaker.failed(ordinary, now), Change::None);
        assert_eq!(breaker.enter(now), Some(ordinary));
        assert_eq!(breaker.failed(ordinary, now), Change::WentDown);
        assert_eq!(breaker.enter(now + PAUSE / 2), None);
        // A question that began earlier changes nothing.
        assert_eq!(breaker.failed(ordinary, now + PAUSE / 2), Change::None);
        let later = now + PAUSE;
        assert_eq!(breaker.enter(later), Some(Part::Probe));
        assert_eq!(breaker.enter(later), None);
        assert_eq!(breaker.failed(ordinary, later), Change::None);
        assert_eq!(breaker.enter(later), None);
        // When a probe's client goes away, the next caller becomes the probe.
        breaker.left(Part::Probe, later);
        assert_eq!(breaker.enter(later), Some(Part::Probe));
        assert_eq!(breaker.failed(Part::Probe, later), Change::None);
        assert_eq!(breaker.enter(later + PAUSE / 2), None);
        assert_eq!(breaker.enter(later + PAUSE), Some(Part::Probe));
        assert_eq!(breaker.succeeded(), Change::CameBack);
        assert_eq!(breaker.enter(later + PAUSE), Some(ordinary));
    }
}
