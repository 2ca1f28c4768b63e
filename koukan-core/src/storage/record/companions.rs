//! Companions of a leased transaction.

use jiff::Timestamp;

use super::{MessageKey, SchedulingKey};

/// Work on one message that can be done together with leased work: attempts at one destination, which can be
/// made in one exchange with the host; or notifications, which can be combined into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companions {
    /// The key that all transactions with the message share.
    pub message_key: MessageKey,
    /// The destination of attempts; `None` for notifications, whatever the destination was.
    pub destination: Option<SchedulingKey>,
    /// The latest time at which they are due.
    pub until: Timestamp,
    /// How many of them are wanted at most.
    pub limit: usize,
}
