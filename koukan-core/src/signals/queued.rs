//! Attempts that nobody waits for.

/// The signal that an attempt is made from the queue, so that no client waits for its replies: an
/// endpoint leaves room for those for which one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued;
