//! One log event for each transaction, when it has ended.
//!
//! [`Trace`] sees every reply that passes it and emits one event at level `INFO` with the target
//! [`TARGET`] once the call has ended and every command is answered, or the originator is gone.
//! What is logged further on stands in the span `transaction` of the same target, with the same
//! `id`.
//!
//! | field | is |
//! |---|---|
//! | `id` | the [`TraceId`](crate::signals::TraceId), also in the `Received` field |
//! | `sender` | the sender and tag |
//! | `remote_host` | the peer's address, if there is a peer |
//! | `mail_from` | the reverse-path |
//! | `mail` | the reply to MAIL; without it nobody waited for one |
//! | `recipients` | the first ten recipients and their reply codes, `bob@example.com=250`; with the code of a final reply of its own, `bob@example.com=250/450`: a [`List`](crate::lists::List) of [`Recipient`] |
//! | `recipient_count` | how many there were; those that nobody further on takes do not count |
//! | `octets` | of the message, as it came here |
//! | `reply` | the final reply |
//! | `outcome` | `accepted`, `refused`, `failed` (something broke) or `aborted` (the originator went away) |
//! | `duration_ms` | from the call to the event |
//!
//! Where the event is disabled, nothing is recorded.

mod body;
mod future;
mod layer;
mod record;
mod service;

pub use self::{future::TraceFuture, layer::TraceLayer, record::Recipient, service::Trace};

/// The target of the event and of the span.
pub const TARGET: &str = "koukan::transaction";
