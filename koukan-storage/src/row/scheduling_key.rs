//! Destinations.

use koukan_core::storage::record::Destination;

use super::malformed::to_json;

/// Destinations as statements take them: an array of their texts, in JSON.
pub(crate) fn destinations(destinations: &[Destination]) -> Box<str> {
    let texts: Vec<_> = destinations.iter().map(Destination::as_str).collect();
    Box::from(&*to_json(&texts))
}
