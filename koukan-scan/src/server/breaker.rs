//! When a server is treated as down and nobody waits for it.

use std::time::Duration;

use koukan_core::shares::Client;
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
/// a failure, since the message may be the reason. Late messages of many clients in a row are: the server does no work. Of one
/// client, only one counts, so nobody can bring the server down for others by messages that take long.
///
/// A late message also shows that the server is there. That is enough to bring it up if it was down because of failures, but not if
/// it was down because of late messages.
#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    late_max: usize,
    pause: Duration,
    state: State,
    /// Whose messages were late since the last success. Clients of which nothing is known may be several.
    late: Vec<Client>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up { failures: u32 },
    Down { until: Instant, why: Why },
    Trying { why: Why },
}

/// Why a server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It failed.
    Failed,
    /// It is there, but the messages of too many clients in a row were late.
    Late,
}

const UP: State = State::Up { failures: 0 };

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
    /// A breaker that is up. It goes down for `pause` after so many failures, or late messages of so many clients, in a row.
    pub(super) fn new(failures_max: u32, late_max: usize, pause: Duration) -> Self {
        Self {
            failures_max: failures_max.max(1),
            late_max: late_max.max(1),
            pause,
            state: UP,
            late: Vec::new(),
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
        self.late.clear();
        self.become_up()
    }

    /// The client's message was late.
    pub(super) fn was_late(&mut self, part: Part, client: &Client, now: Instant) -> Change {
        match self.state {
            // Where it was down, it is there again.
            State::Up { .. }
            | State::Trying { why: Why::Failed }
            | State::Down {
                why: Why::Failed, ..
            } => {
                if *client == Client::Unknown || !self.late.contains(client) {
                    self.late.push(client.clone());
                }
                match self.late.len() < self.late_max {
                    true => self.become_up(),
                    false => self.go_down(Why::Late, now),
                }
            }
            State::Trying { why: Why::Late } if part == Part::Probe => self.go_down(Why::Late, now),
            State::Trying { why: Why::Late } | State::Down { why: Why::Late, .. } => Change::None,
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
            State::Up { .. } => self.go_down(Why::Failed, now),
            State::Trying { .. } if part == Part::Probe => self.go_down(Why::Failed, now),
            // This question began before the state changed.
            State::Trying { .. } | State::Down { .. } => Change::None,
        }
    }

    fn become_up(&mut self) -> Change {
        let was_up = self.is_up();
        self.state = UP;
        match was_up {
            true => Change::None,
            false => Change::CameBack,
        }
    }

    fn go_down(&mut self, why: Why, now: Instant) -> Change {
        let was_up = self.is_up();
        let until = now + self.pause;
        self.late.clear();
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

    fn late(breaker: &mut Breaker, part: Part, now: Instant) -> Change {
        breaker.was_late(part, &Client::Unknown, now)
    }

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
            assert_eq!(late(&mut breaker, ordinary, now), Change::None);
            assert_eq!(breaker.failed(ordinary, now), Change::None);
            assert_eq!(late(&mut breaker, ordinary, now), Change::None);
            assert_eq!(breaker.succeeded(), Change::None);
        }
        for _ in 0..2 {
            assert_eq!(late(&mut breaker, ordinary, now), Change::None);
        }
        assert_eq!(late(&mut breaker, ordinary, now), Change::WentDown);
        // A question that began earlier changes nothing.
        assert_eq!(late(&mut breaker, ordinary, now), Change::None);
        let later = now + PAUSE;
        assert_eq!(breaker.enter(later), Some(Part::Probe));
        assert_eq!(late(&mut breaker, ordinary, later), Change::None);
        assert_eq!(breaker.enter(later), None);
        // Being there is not enough.
        assert_eq!(late(&mut breaker, Part::Probe, later), Change::None);
        assert_eq!(breaker.enter(later + PAUSE / 2), None);
        assert_eq!(breaker.enter(later + PAUSE), Some(Part::Probe));
        assert_eq!(breaker.succeeded(), Change::CameBack);
        // After failures it is.
        for _ in 0..2 {
            breaker.failed(ordinary, now);
        }
        assert_eq!(breaker.enter(later), Some(Part::Probe));
        assert_eq!(late(&mut breaker, Part::Probe, later), Change::CameBack);
        assert_eq!(late(&mut breaker, ordinary, later), Change::None);
        assert_eq!(late(&mut breaker, ordinary, later), Change::WentDown);
    }

    #[tokio::test(start_paused = true)]
    async fn late_messages_of_one_client_take_it_from_no_other() {
        let now = Instant::now();
        let ordinary = Part::Ordinary;
        let mut breaker = Breaker::new(2, 3, PAUSE);
        let [a, b, c] = ["a", "b", "c"].map(Client::named);
        for _ in 0..10 {
            for client in [&a, &b] {
                assert_eq!(breaker.was_late(ordinary, client, now), Change::None);
            }
        }
        assert_eq!(breaker.succeeded(), Change::None);
        for client in [&c, &b] {
            assert_eq!(breaker.was_late(ordinary, client, now), Change::None);
        }
        assert_eq!(breaker.was_late(ordinary, &a, now), Change::WentDown);
    }
}
