//! The time that a destination asks to wait.

use std::time::Duration;

/// How long a destination asks to wait before the next attempt: an extension of [`Reply`](super::Reply) that endpoints
/// attach to a transient refusal. A queued transaction is not attempted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(
    /// The time, from the end of the attempt.
    pub Duration,
);
