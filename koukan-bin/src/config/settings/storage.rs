//! Settings of storage.

use koukan_core::{blob, storage};

use crate::config::Storage;

impl From<&Storage> for blob::Limits {
    fn from(config: &Storage) -> Self {
        let defaults = Self::default();
        defaults
            .with_window(config.body_window.map_or(defaults.window, |size| size.0))
            .with_spill_above(
                config
                    .spill_above
                    .map_or(defaults.spill_above, |size| size.0),
            )
            .with_budget(config.memory_budget.map_or(defaults.budget, |size| size.0))
    }
}

impl From<&Storage> for storage::Retention {
    fn from(config: &Storage) -> Self {
        let defaults = Self::default();
        let kept = config.retention;
        defaults
            .with_finished(kept.finished.map_or(defaults.finished, |age| age.0))
            .with_orphaned(kept.orphaned.map_or(defaults.orphaned, |age| age.0))
            .with_events(config.event_retention())
    }
}

impl Storage {
    /// How long events are kept.
    pub(crate) fn event_retention(&self) -> storage::EventRetention {
        let defaults = storage::EventRetention::default();
        let kept = self.events.unwrap_or_default().retention;
        storage::EventRetention::default()
            .with_age(kept.age.map_or(defaults.age, |age| age.0))
            .with_count(kept.count.unwrap_or(defaults.count))
    }
}
