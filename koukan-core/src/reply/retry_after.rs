//! Destinations that say when to try again.

use std::time::Duration;

/// Says how long a destination asks to be left alone: an extension of [`Reply`](super::Reply) that endpoints attach
/// to a transient refusal. What is queued is not attempted there before that time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(
    /// From the end of the attempt.
    pub Duration,
);
