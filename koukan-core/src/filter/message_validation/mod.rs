//! Determines how well formed a message is, and which files it contains.
//!
//! The message goes on unchanged, and is checked as it passes ([`validation`](crate::message::validation)). A message
//! that is passed on by reference stays a reference, and is read by a second reader. The filter refuses nothing: a rule
//! ([`policy_action`](super::policy_action)) with [`WorseThan`] or [`HasFile`] does that.
//!
//! *Phases*: the body, which is not delayed unless it is passed on by reference. The part of the header section that
//! has arrived is held; what exceeds 16 KiB is charged to the transaction's account.
//!
//! *Signals*: writes the durable signal `message_validation` ([`ValidationReport`]) before the end of the message goes
//! on; for a message that is passed on by reference, before its first octets do.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) to the message | the account has no room for a long header section |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     filter::{
//!         message_validation::{MessageValidationLayer, WorseThan},
//!         policy_action::{Expression, PolicyAction, PolicyLayer, PolicyRule},
//!     },
//!     message::validation::Level,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let rule = PolicyRule::new("content")
//!     .with_match(Expression::new(WorseThan(Level::Medium)))
//!     .with_action(PolicyAction::Reject);
//! let service = PolicyLayer::new(rule).layer(Script::new());
//! let service = MessageValidationLayer::new().layer(service);
//! let outcome = send(service, mail("a@x"), [rcpt("b@y")], "Subject: hi\r\n\r\nhello\r\n").await;
//! assert!(outcome.message.unwrap().is_permanent());
//! # });
//! ```

mod layer;
mod matchers;
mod service;

pub use self::{
    layer::MessageValidationLayer,
    matchers::{HasFile, WorseThan},
    service::MessageValidation,
};

use crate::{message::validation::ValidationReport, signals::DurableSignal};

impl DurableSignal for ValidationReport {
    const NAME: &'static str = "message_validation";
}
