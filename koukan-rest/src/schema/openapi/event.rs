//! Events.

#![allow(dead_code, reason = "the types stand for their schemas")]

use utoipa::ToSchema;

use super::transaction::Response;

/// Some events, the oldest first.
#[derive(ToSchema)]
pub(super) struct EventList {
    events: Vec<Event>,
    /// The `cursor` by which those that come after them are read; there always is one.
    next_cursor: String,
}

/// A change of the state of a transaction, or of one of its recipients.
#[derive(ToSchema)]
struct Event {
    /// Grows with each event; the cursor of what comes after it.
    #[schema(example = "4711")]
    id: String,
    r#type: EventType,
    #[schema(format = "date-time")]
    time: String,
    /// The id of the transaction, which is `/transactions/{id}`.
    transaction: String,
    /// The id of the message, which its transactions have in common.
    message: String,
    sender: EventSender,
    /// The recipient, where it is about one.
    #[schema(required = false, example = "bob@example.com")]
    recipient: String,
    /// The reply that decided.
    #[schema(required = false)]
    reply: Response,
    /// The host that gave it, by the name that was connected to.
    #[schema(required = false, example = "mx.example.com")]
    host: String,
    /// Its address and port.
    #[schema(required = false, example = "192.0.2.1:25")]
    address: String,
    /// How many attempts there were.
    attempt_count: u32,
    /// When the next one is made, at the earliest.
    #[schema(required = false, format = "date-time")]
    next_attempt: String,
    /// The id of the transaction of the notification that was queued.
    #[schema(required = false)]
    notification: String,
    /// Why the transaction is over, where it is from then on.
    #[schema(required = false, example = "delivered")]
    final_attempt_reason: String,
}

/// On whose behalf a transaction is sent.
#[derive(ToSchema)]
struct EventSender {
    name: String,
    #[schema(required = false)]
    tag: String,
}

/// What happened.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum EventType {
    Queued,
    Delivered,
    Deferred,
    Failed,
    Expired,
    Cancelled,
    Abandoned,
    Held,
    Released,
    Bounced,
    Ended,
}
