//! Settings of storage.

use koukan_core::{blob, storage};

use crate::config::{Retention, Storage};

impl From<&Storage> for blob::Limits {
    fn from(config: &Storage) -> Self {
        let defaults = Self::default();
        Self {
            window: config.body_window.map_or(defaults.window, |size| size.0),
            spill_above: config
                .spill_above
                .map_or(defaults.spill_above, |size| size.0),
            budget: config.memory_budget.map_or(defaults.budget, |size| size.0),
        }
    }
}

impl From<Retention> for storage::Retention {
    fn from(config: Retention) -> Self {
        let defaults = Self::default();
        Self {
            finished: config.finished.map_or(defaults.finished, |age| age.0),
            orphaned: config.orphaned.map_or(defaults.orphaned, |age| age.0),
            events: defaults.events,
        }
    }
}
