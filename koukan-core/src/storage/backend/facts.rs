//! What a backend is told, and tells, beside transactions and blobs.

use std::time::Duration;

use jiff::Timestamp;

use super::super::record::{SessionId, TransactionId};

/// What was found when a session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Transactions that were under lease by a dead session.
    pub freed: u64,
    /// By how much everything is due earlier, since the wall clock was set back.
    pub brought_forward: Duration,
}

/// What is told to a session that was refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// Transactions that were under lease by a dead session.
    pub freed: u64,
    /// What is [to be cancelled](super::Queue::request_cancel), is not over, and is under lease by this session
    /// or by none; a bounded number at a time.
    pub to_cancel: Vec<TransactionId>,
    /// How many sessions live, this one included; 0 where that is not known.
    pub live: u32,
    /// What the backend's own clock shows, where it goes by that.
    pub time: Option<Timestamp>,
}

/// A session that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Which it is.
    pub session: SessionId,
    /// Where requests for what it works on are taken, if it has
    /// [said](super::Sessions::publish_address): the base of the URIs.
    pub address: Option<Box<str>>,
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

/// How much is queued, and since when some of it is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Due, and not under lease.
    pub due: u64,
    /// Due later: to be retried, or to be sent then; drafts, too.
    pub later: u64,
    /// Under lease.
    pub active: u64,
    /// Held, and not under lease.
    pub held: u64,
    /// Since when that is due which is due for the longest time.
    pub oldest_due: Option<Timestamp>,
}
