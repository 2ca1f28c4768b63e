//! Attempts that no client waits for.

/// The signal that an attempt is made from the queue, so that no client waits for its replies: an
/// endpoint leaves room for clients that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued;
