//! How long things are kept, and what of them was removed.

use std::time::Duration;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Transactions that are final.
    pub finished: Duration,
    /// Blobs that no transaction refers to.
    pub orphaned: Duration,
    /// Events.
    pub events: EventRetention,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Transactions.
    pub transactions: u64,
    /// Blobs.
    pub blobs: u64,
    /// Events.
    pub events: u64,
    /// Addresses that are suppressed no longer, or were too many.
    pub suppressions: u64,
}

/// How long events are kept: until one of these is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRetention {
    /// How old they become.
    pub age: Duration,
    /// How many there are.
    pub count: u64,
}

impl Default for Retention {
    /// An hour for orphaned blobs, a day for finished transactions.
    fn default() -> Self {
        Self {
            finished: Duration::from_secs(24 * 3600),
            orphaned: Duration::from_secs(3600),
            events: EventRetention::default(),
        }
    }
}

impl Default for EventRetention {
    /// A week, and 100,000.
    fn default() -> Self {
        Self {
            age: Duration::from_secs(7 * 24 * 3600),
            count: 100_000,
        }
    }
}
