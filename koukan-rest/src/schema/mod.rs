//! The transaction as JSON, for requests and responses, in both directions.
//!
//! | | writes | reads |
//! |---|---|---|
//! | a create | [`create_to_json`] | [`create_from_json`] |
//! | what is added to a transaction | [`append_to_json`] | [`append_from_json`] |
//! | a transaction as a reader sees it | [`view_to_json`], [`full_view_to_json`] | [`view_from_json`] |
//! | some of a sender's transactions | [`listed_to_json`] | |
//! | the queue | [`queue_to_json`], [`queued_to_json`], [`changed_to_json`] | |
//! | events | [`events_to_json`], [`event_to_json`] | |
//! | an explanation of what would happen to a message | [`explanation_to_json`] | [`explain_from_json`] |
//! | a reply | [`reply_to_json`] | [`reply_from_json`] |
//! | a refusal | [`problem::to_json`] | [`problem::from_response`] |
//! | a version | [`etag::quoted`] | [`etag::parse`] |
//!
//! What a client sends is read strictly: whatever is not understood is refused, with the path of
//! the field at fault, for example `rcpt_to[0].m`. What a server answers is read tolerantly:
//! unknown fields are ignored, and `null` counts as missing.
//!
//! [`openapi`] describes all of it for other programs.
//!
//! # Example
//!
//! ```
//! use koukan_rest::schema;
//! use serde_json::json;
//!
//! let (sender, draft) = schema::create_from_json(
//!     &json!({"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob@example.com"}]}),
//!     "submission",
//! )?;
//! assert_eq!(&*sender.name, "submission");
//! assert_eq!(draft.rcpt_to.len(), 1);
//!
//! let refusal = schema::create_from_json(&json!({"rcpt_to": [{"m": "bob"}]}), "submission");
//! assert_eq!(refusal.unwrap_err().field.as_deref(), Some("rcpt_to[0].m"));
//! # Ok::<(), koukan_core::resource::Refusal>(())
//! ```

mod destination;
mod draft;
pub mod etag;
mod event;
mod explanation;
mod flat;
mod hook;
pub(crate) mod json;
mod openapi;
pub mod problem;
mod queue;
mod reader;
mod reply;
mod suppression;
mod view;

#[cfg(feature = "client")]
pub(crate) use self::draft::sender_to_json;
pub use self::{
    destination::{destination_to_json, destinations_to_json},
    draft::{append_from_json, append_to_json, create_from_json, create_to_json},
    event::{event_to_json, events_to_json},
    explanation::{explain_from_json, explanation_to_json},
    flat::{BATCH_MAX, FlatMessage, message_from_json, messages_from_json},
    hook::{hook_to_json, hooks_to_json},
    openapi::openapi,
    queue::{changed_to_json, queue_to_json, queued_to_json},
    reply::{reply_from_json, reply_to_json},
    suppression::{suppression_to_json, suppressions_to_json},
    view::{
        InvalidView, full_view_to_json, listed_to_json, message_to_json, view_from_json,
        view_to_json,
    },
};
