//! What a backend is told, and tells, beside transactions and blobs.

use std::time::Duration;

/// What was found when a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Transactions that were under lease by a dead session.
    pub freed: u64,
    /// By how much everything is due earlier, since the wall clock was set back.
    pub brought_forward: Duration,
}

/// How far the times that were written down may lie in the future before the wall clock counts as
/// set back: clocks that are kept right by the network move by less.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// How many transactions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// Due now or later, not under lease.
    pub waiting: u64,
    /// Under lease.
    pub leased: u64,
    /// Final.
    pub finished: u64,
}
