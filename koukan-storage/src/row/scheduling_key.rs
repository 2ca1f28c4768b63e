//! Scheduling keys.

use koukan_core::storage::record::SchedulingKey;

/// Scheduling keys as statements take them: a list of their texts.
pub(crate) fn scheduling_keys(keys: &[SchedulingKey]) -> Vec<String> {
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}
