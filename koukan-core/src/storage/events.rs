//! Reading stored events.

use super::record::{EventKind, KeptEvent};

/// Which events are read, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventQuery {
    /// Only those with a greater number; `None` for all that are kept.
    pub after: Option<u64>,
    /// Only those of senders of these names; `None` for any.
    pub senders: Option<Vec<Box<str>>>,
    /// Only those of these kinds; empty for any.
    pub kinds: Vec<EventKind>,
    /// How many, at most.
    pub limit: usize,
}

/// Some of the events that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPage {
    /// Those that were asked for, the oldest first.
    pub events: Vec<KeptEvent>,
    /// All events up to this number were looked at. If it is less than `last`, there may be more.
    pub seen: u64,
    /// The number of the oldest event that is kept; if there is none, the number of the next one.
    pub first: u64,
    /// The number of the newest event ever; 0 where there was none.
    pub last: u64,
}

impl EventQuery {
    /// How many numbers are looked at for one page, however few of the events are requested.
    pub const SEEN_MAX: u64 = 10_000;
}

impl EventPage {
    /// The page of a backend that keeps no events.
    pub(super) fn nothing() -> Self {
        Self {
            first: 1,
            ..Self::default()
        }
    }

    /// Whether events after this number were removed before they were read, or there never was such
    /// a number.
    pub fn is_gone(&self, after: u64) -> bool {
        after.saturating_add(1) < self.first || after > self.last
    }
}
