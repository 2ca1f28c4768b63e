//! Sends a copy of each message by another route: to an archive, or to a second system.
//!
//! The copy has the reverse-path, the parameters and the recipients of the original, as far as these were
//! not refused, and shares its octets: a message that is a blob is read twice, and nothing of it is copied.
//! Any other is kept as a blob first, whole, and goes on as that.
//!
//! | the copy is | how | when it fails |
//! |---|---|---|
//! | [`AddRouteLayer::delivered`], [`AddRouteLayer::delivered_for`] | by a mail service, before the original's end goes upstream | its reply is the answer, and the original goes nowhere |
//! | [`AddRouteLayer::stored`] | in storage, on behalf of a sender, once the original was taken and before anybody hears of that | it is logged, and the original's answer stands |
//!
//! A copy that is stored is committed when the client hears 2xx. Where the agent crashes before, the client
//! has heard nothing and sends its message once more, as it would without a copy.
//!
//! It belongs where a message passes once, as in the chain of a listener: each attempt at a queued message would
//! have a copy of its own.
//!
//! Its sender knows nothing of a copy, and is notified neither of its failure nor of its success: it has
//! `NOTIFY=NEVER` in the place of what the original asks (RFC 3461), unless
//! [`AddRouteLayer::with_notifications`] says otherwise.
//!
//! *Phases*: RCPT, which it sees, and the body. A copy that is delivered has to be whole, and taken, before the
//! original's octets go on; one that is stored holds up nothing where the message is a blob.
//!
//! *Signals*: none. The copy has those of the original that are durable, and its trace id. The host that the
//! client names for the original ([`Context::next_hop`](crate::context::Context::next_hop)) is not the copy's.
//!
//! | reply | when |
//! |---|---|
//! | that of the copy | it is delivered, and was refused |
//! | [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) | the message is no blob, and there is no room to keep it |

mod copy;
mod layer;
mod service;

pub use self::{layer::AddRouteLayer, service::AddRoute};
