//! Writes events as JSON.

use koukan_core::{resource::EventsRead, storage::record::KeptEvent};
use serde_json::{Value, json};

use super::{draft::sender_to_json, reply_to_json};

/// Writes a list of events, and the cursor for reading those after them.
pub fn events_to_json(read: &EventsRead) -> Value {
    let events: Vec<_> = read.events.iter().map(event_to_json).collect();
    json!({"events": events, "next_cursor": read.next})
}

/// Writes an event.
pub fn event_to_json(kept: &KeptEvent) -> Value {
    let event = &kept.event;
    let mut json = json!({
        "id": kept.number.to_string(),
        "type": event.kind.as_str(),
        "time": event.at.to_string(),
        "transaction": event.transaction.to_string(),
        "message": event.message.to_string(),
        "sender": sender_to_json(&event.sender),
        "attempt_count": event.attempts,
    });
    let remote = event.remote.as_ref();
    let optional = [
        ("recipient", event.recipient.as_deref().map(Value::from)),
        ("reply", event.reply.as_ref().map(reply_to_json)),
        ("host", remote.map(|remote| json!(&*remote.host))),
        (
            "address",
            remote.map(|remote| json!(remote.address.to_string())),
        ),
        (
            "next_attempt",
            event.next_attempt.map(|at| json!(at.to_string())),
        ),
        (
            "notification",
            event.notification.map(|id| json!(id.to_string())),
        ),
        (
            "final_attempt_reason",
            event.end.map(|reason| json!(reason.as_str())),
        ),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            json[name] = value;
        }
    }
    json
}
