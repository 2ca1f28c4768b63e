//! Scheduling keys.

use koukan_core::storage::record::SchedulingKey;

use super::malformed::to_json;

/// Scheduling keys as statements take them: an array of their texts, in JSON.
pub(crate) fn scheduling_keys(keys: &[SchedulingKey]) -> Box<str> {
    let texts: Vec<_> = keys.iter().map(SchedulingKey::as_str).collect();
    Box::from(&*to_json(&texts))
}
