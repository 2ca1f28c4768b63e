//! Writes suppressed addresses as JSON.

use koukan_core::{resource::SuppressionsListed, storage::record::Suppression};
use serde_json::{Value, json};

/// Writes a list of suppressed addresses, with `next_cursor` if there are more.
pub fn suppressions_to_json(listed: &SuppressionsListed) -> Value {
    let suppressions = listed.suppressions.iter().map(suppression_to_json);
    let mut json = json!({"suppressions": suppressions.collect::<Vec<_>>()});
    if let Some(next) = &listed.next {
        json["next_cursor"] = json!(next);
    }
    json
}

/// Writes a suppressed address.
pub fn suppression_to_json(one: &Suppression) -> Value {
    json!({
        "address": one.address,
        "reason": one.reason,
        "since": one.since.to_string(),
        "until": one.until.to_string(),
    })
}
