//! Scheduling keys.

use koukan_core::storage::record::SchedulingKey;

use super::malformed::to_json;

/// Scheduling keys as statements take them: an array of their texts, in JSON.
pub(crate) fn scheduling_keys(keys: &[SchedulingKey]) -> Box<str> {
    json_texts(keys.iter().map(SchedulingKey::as_str))
}

/// An array of texts, in JSON.
pub(crate) fn json_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Box<str> {
    let texts: Vec<_> = texts.collect();
    Box::from(&*to_json(&texts))
}
