//! Events.

#![allow(dead_code, reason = "the types stand for their schemas")]

use utoipa::ToSchema;

use super::transaction::Response;

/// Some events, the oldest first.
#[derive(ToSchema)]
pub(super) struct EventList {
    events: Vec<Event>,
    /// The `cursor` for reading the events that follow; always present.
    next_cursor: String,
}

/// A change of the state of a transaction, or of one of its recipients.
#[derive(ToSchema)]
struct Event {
    /// Grows with each event; the cursor for what follows it.
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
    /// The recipient, if the event is about one.
    #[schema(required = false, example = "bob@example.com")]
    recipient: String,
    /// The reply that decided the outcome.
    #[schema(required = false)]
    reply: Response,
    /// The host that sent the reply, by the name that was connected to.
    #[schema(required = false, example = "mx.example.com")]
    host: String,
    /// Its address and port.
    #[schema(required = false, example = "192.0.2.1:25")]
    address: String,
    /// How many attempts there were.
    attempt_count: u32,
    /// The earliest time of the next attempt.
    #[schema(required = false, format = "date-time")]
    next_attempt: String,
    /// The id of the transaction of the notification that was queued.
    #[schema(required = false)]
    notification: String,
    /// Why the transaction is finished, if this event finished it.
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
