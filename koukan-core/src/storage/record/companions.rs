//! What is taken under lease beside a transaction.

use jiff::Timestamp;

use super::{MessageKey, SchedulingKey};

/// What is to be done with one message, and can be done together with something that is under lease:
/// attempts for one destination, which can be made in one exchange with the host, or notifications, of which
/// one can tell of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companions {
    /// What all that carry the message have in common.
    pub message_key: MessageKey,
    /// Where attempts are to go; `None` stands for what its sender is to be notified of, wherever it was to
    /// go.
    pub destination: Option<SchedulingKey>,
    /// When they are due at the latest.
    pub until: Timestamp,
    /// How many of them are wanted, at most.
    pub limit: usize,
}
