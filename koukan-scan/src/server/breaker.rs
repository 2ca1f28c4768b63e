//! When a server is treated as down and nobody waits for it.

use std::time::Duration;

use tokio::time::Instant;

/// Whether a server is asked.
///
/// | state | who may ask | next state |
/// |---|---|---|
/// | up | everybody | down, after the permitted number of failures, or of late messages, with no success between them |
/// | down | nobody | trying, when the first caller asks after the pause |
/// | trying | only that caller | up when it succeeds; down for another pause when it fails; down without a pause when it gives up |
///
/// A message is *late* when the server answers a PING, but gives no answer for the message in time. One late message is not
/// a failure, since the message may be the reason. Many late messages in a row are: the server does no work.
///
/// A late message also shows that the server is there. That is enough to bring it up if it was down because of failures, but not if
/// it was down because of late messages.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    late_max: u32,
    pause: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up { failures: u32, late: u32 },
    Down { until: Instant, why: Why },
    Trying { why: Why },
}

/// Why a server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It failed.
    Failed,
    /// It is there, but too many messages in a row were late.
    Late,
}

const UP: State = State::Up {
    failures: 0,
    late: 0,
};

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
    /// A breaker that is up. It goes down for `pause` after so many failures or late messages in a row.
    pub(super) fn new(failures_max: u32, late_max: u32, pause: Duration) -> Self {
        Self {
            failures_max: failures_max.max(1),
            late_max: late_max.max(1),
            pause,
            state: UP,
        }
    }

    /// Whether everybody may ask.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Whether the next caller becomes the probe.
    pub(super) fn is_to_be_tried(&self, now: Instant) -> bool {
        matches!(self.state, State::Down { until, .. } if now >= until)
    }

    /// Asks for permission to ask.
    pub(super) fn enter(&mut self, now: Instant) -> Option<Part> {
        match self.state {
            State::Up { .. } => Some(Part::Ordinary),
            State::Down { until, why } if now >= until => {
                self.state = State::Trying { why };
                Some(Part::Probe)
            }
            State::Down { .. } | State::Trying { .. } => None,
        }
    }

    /// The server has answered.
    pub(super) fn succeeded(&mut self) -> Change {
        self.become_up(UP)
    }

    /// The message was late.
    pub(super) fn was_late(&mut self, part: Part, now: Instant) -> Change {
        match self.state {
            State::Up { late, .. } if late + 1 < self.late_max => self.become_up(State::Up {
                failures: 0,
                late: late + 1,
            }),
            State::Up { .. } => self.go_down(Why::Late, now),
            // It is there again.
            State::Trying { why: Why::Failed }
            | State::Down {
                why: Why::Failed, ..
            } => self.become_up(State::Up {
                failures: 0,
                late: 1,
            }),
            State::Trying { why: Why::Late } if part == Part::Probe => self.go_down(Why::Late, now),
            State::Trying { why: Why::Late } | State::Down { why: Why::Late, .. } => Change::None,
        }
    }

    /// The server has failed.
    pub(super) fn failed(&mut self, part: Part, now: Instant) -> Change {
        match self.state {
            State::Up { failures, late } if failures + 1 < self.failures_max => {
                self.state = State::Up {
                    failures: failures + 1,
                    late,
                };
                Change::None
            }
            State::Up { .. } => self.go_down(Why::Failed, now),
            State::Trying { .. } if part == Part::Probe => self.go_down(Why::Failed, now),
            // This question began before the state changed.
            State::Trying { .. } | State::Down { .. } => Change::None,
        }
    }

    fn become_up(&mut self, state: State) -> Change {
        let was_up = self.is_up();
        self.state = state;
        match was_up {
            true => Change::None,
            false => Change::CameBack,
        }
    }

    fn go_down(&mut self, why: Why, now: Instant) -> Change {
        let was_up = self.is_up();
        let until = now + self.pause;
        self.state = State::Down { until, why };
        match was_up {
            true => Change::WentDown,
            false => Change::None,
        }
    }

    /// The caller gave up, and learnt nothing about the server.
    pub(super) fn left(&mut self, part: Part, now: Instant) {
        if let (Part::Probe, State::Trying { why }) = (part, self.state) {
            self.state = State::Down { until: now, why };
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
        let mut breaker = Breaker::new(3, 10, PAUSE);
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

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_a_ping_and_no_message_is_down() {
        let now = Instant::now();
        let ordinary = Part::Ordinary;
        let mut breaker = Breaker::new(2, 3, PAUSE);
        // A success resets both counts, and a late message resets that of failures.
        for _ in 0..3 {
            assert_eq!(breaker.was_late(ordinary, now), Change::None);
            assert_eq!(breaker.failed(ordinary, now), Change::None);
            assert_eq!(breaker.was_late(ordinary, now), Change::None);
            assert_eq!(breaker.succeeded(), Change::None);
        }
        for _ in 0..2 {
            assert_eq!(breaker.was_late(ordinary, now), Change::None);
        }
        assert_eq!(breaker.was_late(ordinary, now), Change::WentDown);
        // A question that began earlier changes nothing.
        assert_eq!(breaker.was_late(ordinary, now), Change::None);
        let later = now + PAUSE;
        assert_eq!(breaker.enter(later), Some(Part::Probe));
        assert_eq!(breaker.was_late(ordinary, later), Change::None);
        assert_eq!(breaker.enter(later), None);
        // Being there is not enough.
        assert_eq!(breaker.was_late(Part::Probe, later), Change::None);
        assert_eq!(breaker.enter(later + PAUSE / 2), None);
        assert_eq!(breaker.enter(later + PAUSE), Some(Part::Probe));
        assert_eq!(breaker.succeeded(), Change::CameBack);
        // After failures it is.
        for _ in 0..2 {
            breaker.failed(ordinary, now);
        }
        assert_eq!(breaker.enter(later), Some(Part::Probe));
        assert_eq!(breaker.was_late(Part::Probe, later), Change::CameBack);
        assert_eq!(breaker.was_late(ordinary, later), Change::None);
        assert_eq!(breaker.was_late(ordinary, later), Change::WentDown);
    }
}
