//! The time of a shared backend.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    clock::{Clock, SharedClock},
    sync::{Mutex, PoisonError},
};

/// Follows the backend's clock from its first answer on, and this machine's before that. So the clocks of
/// processes that share a backend may differ.
#[derive(Debug)]
pub(in crate::storage) struct BackendTime {
    own: SharedClock,
    shown: Mutex<Option<(Timestamp, Instant)>>,
}

impl BackendTime {
    pub(in crate::storage) fn new(own: SharedClock) -> Self {
        Self {
            own,
            shown: Mutex::new(None),
        }
    }

    /// Notes what the backend's clock has shown, at some time since it was asked.
    pub(super) fn set(&self, shown: Timestamp, asked: Instant) {
        let midway = asked + asked.elapsed() / 2;
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some((shown, midway));
    }
}

impl Clock for BackendTime {
    fn now(&self) -> Timestamp {
        let shown = *self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((shown, at)) = shown else {
            return self.own.now();
        };
        let since: Duration = at.elapsed();
        shown.checked_add(since).unwrap_or(Timestamp::MAX)
    }
}
