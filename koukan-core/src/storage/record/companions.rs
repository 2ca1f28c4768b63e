//! What is taken under lease beside a transaction.

use jiff::Timestamp;

use super::{MessageKey, SchedulingKey};

/// Attempts at one message for one destination, of which one is under lease: they can be made in one
/// exchange with the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companions {
    /// What all that carry the message have in common.
    pub message_key: MessageKey,
    /// Where they are to go.
    pub destination: SchedulingKey,
    /// When they are due at the latest.
    pub until: Timestamp,
    /// How many of them are wanted, at most.
    pub limit: usize,
}
