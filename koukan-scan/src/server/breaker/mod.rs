//! When a server is treated as down and nobody waits for it.

#[cfg(test)]
mod tests;

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
/// A client by itself, such as a relay that brings all messages, is *held off* after as many late messages in a row: it may not ask,
/// while others may. A held-off client is tried like a server that is down:
///
/// | the client | may ask | next |
/// |---|---|---|
/// | is not held off | yes | held off, after as many late messages as clients bring the server down, with no success between them, of whomever |
/// | is held off | no | trying, when it first asks after the pause |
/// | is trying | only that caller | not held off when any caller succeeds; held off for another pause when its message is late or the server fails; held off without a pause when it gives up |
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
    late: Vec<Late>,
}

/// A client whose messages were late.
#[derive(Debug)]
struct Late {
    client: Client,
    messages: usize,
    held_off: Option<HeldOff>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldOff {
    Until(Instant),
    Trying,
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
    /// This caller finds out whether the server answers for its client again.
    Retry,
}

/// What changed for other callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    WentDown,
    CameBack,
    /// The client is held off.
    HeldOff,
    /// Those who were held off may ask again.
    LetBack,
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

    /// Whether the client may not ask, though others may.
    pub(super) fn holds_off(&self, client: &Client, now: Instant) -> bool {
        let mut late = self.late.iter();
        let held_off = late.find(|late| late.client == *client);
        match held_off.and_then(|late| late.held_off) {
            None => false,
            Some(HeldOff::Until(until)) => now < until,
            Some(HeldOff::Trying) => true,
        }
    }

    /// Asks for permission to ask.
    pub(super) fn enter(&mut self, client: &Client, now: Instant) -> Option<Part> {
        match self.state {
            State::Up { .. } if self.holds_off(client, now) => None,
            State::Up { .. } => Some(match self.hold_of(client) {
                None => Part::Ordinary,
                Some(held_off) => {
                    *held_off = HeldOff::Trying;
                    Part::Retry
                }
            }),
            State::Down { until, why } if now >= until => {
                self.state = State::Trying { why };
                Some(Part::Probe)
            }
            State::Down { .. } | State::Trying { .. } => None,
        }
    }

    /// The server has answered.
    pub(super) fn succeeded(&mut self) -> Change {
        let were_held_off = self.late.iter().any(|late| late.held_off.is_some());
        self.late.clear();
        match self.become_up() {
            Change::None if were_held_off => Change::LetBack,
            change => change,
        }
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
                let is_held_off = self.note_late(part, client, now);
                if self.late.len() >= self.late_max {
                    return self.go_down(Why::Late, now);
                }
                match self.become_up() {
                    Change::None if is_held_off => Change::HeldOff,
                    change => change,
                }
            }
            State::Trying { why: Why::Late } if part == Part::Probe => self.go_down(Why::Late, now),
            State::Trying { why: Why::Late } | State::Down { why: Why::Late, .. } => Change::None,
        }
    }

    /// Notes that the client's message was late. Returns whether the client is held off from now on.
    fn note_late(&mut self, part: Part, client: &Client, now: Instant) -> bool {
        let until = HeldOff::Until(now + self.pause);
        let known = self.late.iter_mut().find(|late| late.client == *client);
        let Some(late) = known.filter(|_| *client != Client::Unknown) else {
            self.late.push(Late {
                client: client.clone(),
                messages: 1,
                held_off: None,
            });
            return false;
        };
        late.messages = late.messages.saturating_add(1);
        match late.held_off {
            None if late.messages >= self.late_max => {
                late.held_off = Some(until);
                true
            }
            Some(_) if part == Part::Retry => {
                late.held_off = Some(until);
                false
            }
            // This message was shown before.
            None | Some(_) => false,
        }
    }

    fn hold_of(&mut self, client: &Client) -> Option<&mut HeldOff> {
        let mut late = self.late.iter_mut();
        let late = late.find(|late| late.client == *client)?;
        late.held_off.as_mut()
    }

    /// Holds the client off until then, if this part was its try.
    fn hold_off_again(&mut self, part: Part, client: &Client, until: Instant) {
        if part == Part::Retry
            && let Some(held_off) = self.hold_of(client)
        {
            *held_off = HeldOff::Until(until);
        }
    }

    /// The server has failed.
    pub(super) fn failed(&mut self, part: Part, client: &Client, now: Instant) -> Change {
        self.hold_off_again(part, client, now + self.pause);
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
    pub(super) fn left(&mut self, part: Part, client: &Client, now: Instant) {
        self.hold_off_again(part, client, now);
        if let (Part::Probe, State::Trying { why }) = (part, self.state) {
            self.state = State::Down { until: now, why };
        }
    }
}
