//! The earliest time of sending.

use jiff::Timestamp;

/// The signal that a transaction is not attempted before this time. It is stored with its transaction
/// and goes nowhere else: an attempt, and what follows from it, is not delayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendAt(Timestamp);

impl SendAt {
    /// At this time, in whole microseconds, the precision of backends.
    pub fn new(at: Timestamp) -> Self {
        Self(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at))
    }

    /// The time.
    pub fn time(self) -> Timestamp {
        self.0
    }
}
