//! When a message is sent.

use jiff::Timestamp;

/// The signal that a transaction is not attempted before that time. It goes into the backend with the
/// transaction that has it, and nowhere else: an attempt, and whatever comes of that, goes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendAt(Timestamp);

impl SendAt {
    /// At that time, in whole microseconds: as exactly as backends keep it.
    pub fn new(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// The time.
    pub fn time(self) -> Timestamp {
        self.0
    }
}
