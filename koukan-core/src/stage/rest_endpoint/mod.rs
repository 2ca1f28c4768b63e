//! Delivers transactions through a resource service: the [`RestEndpoint`].
//!
//! The service is an HTTP client of another agent or of a receiving application, or a
//! [`RestHandler`](crate::stage::rest_handler::RestHandler) in the same process. A transaction is
//! created with MAIL and the recipients known by then. Later recipients are appended; those that
//! arrive together go in one request. Meanwhile, hanging reads watch for replies, and each command
//! is answered when its reply comes. The message goes up as one stream, preceded by the parsed
//! message ([`Parsed`](crate::signals::Parsed)) and its blobs if upstream asks for one.
//!
//! An *incremental* resource (a router for a gateway, a gateway for a router) takes MAIL alone, and
//! recipients one by one. It gets the message once MAIL and the recipients are answered, and a heartbeat
//! every refresh interval while nothing else is sent. An *ordinary* resource takes everything but the
//! message with the create; a small message that is already complete goes along. MAIL is then answered with
//! 250 as soon as the call waits for the client's first recipient, and recipients that arrive after the
//! create are answered with 452.
//!
//! With a [`Sharing`](crate::stage::sharing::Sharing) around it, copies of a message for several recipients
//! are one transaction upstream.
//!
//! If upstream refuses the parsed message, the message itself is still sent: the application may accept
//! that.
//!
//! A create is repeated with the same idempotency key, a read as it is, an append after a read that shows
//! what arrived, and the upload of the message only if no octet of it was taken.
//!
//! | upstream | reply |
//! |---|---|
//! | replies | that reply |
//! | cannot be reached for the create | [`Reply::connection_failed`], 451 4.4.1 |
//! | cannot be reached later, or no longer knows the transaction | [`Reply::connection_lost`], 451 4.4.2 |
//! | does not reply in time | [`Reply::elapsed`], 451 4.4.7 |
//! | ends the transaction without a reply | [`Reply::given_up`], 451 4.4.2 |
//! | refuses as too large | [`Reply::message_too_big`], 552 5.3.4 |
//! | refuses for lack of room, or over a limit | [`Reply::overloaded`], 451 4.3.2 |
//! | refuses as malformed, unknown sender, not allowed | [`Reply::misconfigured`], 451 4.3.5, and an error in the log |
//! | fails (500) | [`Reply::destination_failed`], 451 4.4.0 |
//! | refuses otherwise | [`Reply::local_error`], 451 4.3.0 |
//! | answers something other than what was asked, breaks this API, answers more than is read, or names a host that must not be asked | [`Reply::bad_upstream_reply`], 451 4.5.0, and an error in the log |
//!
//! # Where to read
//!
//! | module | holds |
//! |---|---|
//! | `delivery` | one call: what goes with the create, and trying one host after another |
//! | `intake`, `replies` | what the originator gives, and which commands are not answered yet |
//! | `request` | each kind of request, how often it is repeated, and the meaning of its failure |
//! | `session` | a transaction that was created: which request is made when, and how it ends |
//! | `message` | the message on its way: how far it has come, and from where it can be sent again |
//!
//! [`Reply::connection_failed`]: crate::reply::Reply::connection_failed
//! [`Reply::connection_lost`]: crate::reply::Reply::connection_lost
//! [`Reply::elapsed`]: crate::reply::Reply::elapsed
//! [`Reply::given_up`]: crate::reply::Reply::given_up
//! [`Reply::message_too_big`]: crate::reply::Reply::message_too_big
//! [`Reply::overloaded`]: crate::reply::Reply::overloaded
//! [`Reply::misconfigured`]: crate::reply::Reply::misconfigured
//! [`Reply::destination_failed`]: crate::reply::Reply::destination_failed
//! [`Reply::local_error`]: crate::reply::Reply::local_error
//! [`Reply::bad_upstream_reply`]: crate::reply::Reply::bad_upstream_reply

mod create_parts;
mod delivery;
mod intake;
mod message;
mod replies;
mod request;
mod service;
mod session;
mod settings;

pub use self::{
    service::RestEndpoint,
    settings::{RestEndpointSettings, RestEndpointTimeouts},
};
