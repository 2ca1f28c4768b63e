//! How long things are kept, and how many were removed.

use std::time::Duration;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Final transactions.
    pub finished: Duration,
    /// Blobs without references.
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
    /// Suppressions that have ended or exceeded the limit.
    pub suppressions: u64,
}

/// Limits for stored events. Events beyond either limit are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventRetention {
    /// Their largest age.
    pub age: Duration,
    /// Their largest number.
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

impl Retention {
    /// With another [`Retention::finished`].
    #[must_use]
    pub fn with_finished(mut self, finished: Duration) -> Self {
        self.finished = finished;
        self
    }

    /// With another [`Retention::orphaned`].
    #[must_use]
    pub fn with_orphaned(mut self, orphaned: Duration) -> Self {
        self.orphaned = orphaned;
        self
    }

    /// With another [`Retention::events`].
    #[must_use]
    pub fn with_events(mut self, events: EventRetention) -> Self {
        self.events = events;
        self
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

impl EventRetention {
    /// With another [`EventRetention::age`].
    #[must_use]
    pub fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// With another [`EventRetention::count`].
    #[must_use]
    pub fn with_count(mut self, count: u64) -> Self {
        self.count = count;
        self
    }
}
