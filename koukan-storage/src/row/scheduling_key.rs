//! Scheduling keys.

use koukan_core::storage::record::SchedulingKey;

/// Scheduling keys as a parameter of statements: a list of their texts.
pub(crate) fn scheduling_keys(keys: &[SchedulingKey]) -> Vec<String> {
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}
