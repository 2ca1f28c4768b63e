//! Sends a copy of each message by a second route: to an archive, or to another system.
//!
//! The copy has the reverse-path, the parameters and the accepted recipients of the original, and shares
//! its octets. A message that is a blob is read twice, without copying. Any other message is first written
//! to a blob completely.
//!
//! | the copy is | how | when it fails |
//! |---|---|---|
//! | [`AddRouteLayer::delivered`], [`AddRouteLayer::delivered_for`] | by a mail service, before the original's end goes upstream | its reply is the answer, and the original goes nowhere |
//! | [`AddRouteLayer::stored`] | in storage, on behalf of a sender, once the original was accepted and before the client hears of that | it is logged, and the answer to the original stands |
//!
//! A stored copy is committed when the client hears 2xx. If the agent crashes before, the client has heard
//! nothing and repeats its message, as it would without a copy.
//!
//! The filter belongs where a message passes once, for example in a listener's chain. Elsewhere each attempt at
//! a queued message would make another copy.
//!
//! The sender does not know of the copy, and is notified of neither its failure nor its success: it has
//! `NOTIFY=NEVER` instead of the original's request (RFC 3461), unless [`AddRouteLayer::with_notifications`] is
//! set.
//!
//! *Phases*: RCPT, which it observes, and the body. A copy that is delivered must be complete and accepted
//! before the original's octets go on. A copy that is stored delays nothing if the message is a blob.
//!
//! *Signals*: none. The copy has the original's durable signals, and its trace id. The host that the client
//! names for the original ([`Context::next_hop`](crate::context::Context::next_hop)) does not apply to the
//! copy.
//!
//! | reply | when |
//! |---|---|
//! | the reply to the copy | a copy that is delivered was refused |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) | the message is not a blob, and there is no room to store it |

mod copy;
mod layer;
mod service;

pub use self::{layer::AddRouteLayer, service::AddRoute};
