//! Finds out how well formed messages are, and which files they have.
//!
//! The message goes on as it comes, and is looked at on the way ([`validation`](crate::message::validation)). One that is
//! passed on by reference stays so, and is read beside. Nothing is refused here: a rule
//! ([`policy_action`](super::policy_action)) with [`WorseThan`] or [`HasFile`] does that.
//!
//! *Phases*: the body, of which nothing is held up where it is not passed on by reference. Of a header section as much
//! is kept as came of it; what is more than 16 KiB is charged to the transaction's account.
//!
//! *Signals*: writes the durable signal `message_validation` ([`ValidationReport`]), before the end of the message goes
//! on; of a message that is passed on by reference, before its first octets do.
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
