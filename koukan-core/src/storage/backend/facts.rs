//! Facts that a backend takes and gives, besides transactions and blobs.

use std::time::Duration;

use jiff::Timestamp;

use super::super::record::{BanChange, SessionId, TransactionId};

/// What was found at the beginning of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// How many transactions were leased by dead sessions.
    pub freed: u64,
    /// By how much everything is due earlier, since the wall clock was set back.
    pub brought_forward: Duration,
}

/// The result of refreshing a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refreshed {
    /// How many transactions were leased by dead sessions.
    pub freed: u64,
    /// Transactions that are [to be cancelled](super::Queue::request_cancel), are not over, and are leased by
    /// this session or by none; a limited number at a time.
    pub to_cancel: Vec<TransactionId>,
    /// How many sessions are alive, including this one; 0 where that is unknown.
    pub live: u32,
    /// The time of the backend's clock, if the backend has one.
    pub time: Option<Timestamp>,
}

/// What has changed of the suspensions and suppressions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BansChanged {
    /// The number of the last change.
    pub number: u64,
    /// What has changed, as it is now, in the order of the changes; a name may occur several times. `None` where that is
    /// not known: then all of them must be read again.
    pub changes: Option<Vec<BanChange>>,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// Its identity.
    pub session: SessionId,
    /// The base URI for requests about its transactions, if it has
    /// [published](super::Sessions::publish_address) one.
    pub address: Option<Box<str>>,
}

/// How far stored times may lie in the future before the wall clock counts as set back. Clocks that
/// are synchronised over the network move by less.
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

/// How much is queued, and since when the oldest is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Due, and not under lease.
    pub due: u64,
    /// Due later: retries, messages with a time of sending, and drafts.
    pub later: u64,
    /// Under lease.
    pub active: u64,
    /// Held, and not under lease.
    pub held: u64,
    /// Since when the oldest due transaction is due.
    pub oldest_due: Option<Timestamp>,
}
