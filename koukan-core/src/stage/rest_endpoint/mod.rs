//! Delivers transactions through a resource service: the [`RestEndpoint`].
//!
//! The service is an HTTP client of another agent or of a receiving application, or a
//! [`RestHandler`](crate::stage::rest_handler::RestHandler) in the same process. A transaction is
//! created with MAIL and the recipients that are there, recipients that come later are appended,
//! those that come together in one request; the replies are watched for by hanging reads beside
//! that, and each command is answered as its reply comes. The message goes up as one stream, and
//! before it, where upstream asks for one, the parsed message
//! ([`Parsed`](crate::signals::Parsed)) with its blobs.
//!
//! An *incremental* resource (a router for a gateway, a gateway for a router) takes MAIL alone, and
//! recipients one by one; it gets the message once MAIL and the recipients are answered, and a sign
//! of life every refresh interval while nothing else is sent. An *ordinary* one takes everything
//! with the create but the message; where the message is there too, and small, it goes with the
//! rest. MAIL is then answered with 250 as soon as the client's first recipient is waited for, and
//! recipients that come after the create with 452.
//!
//! With a [`Sharing`](crate::stage::sharing::Sharing) around it, copies of a message for several recipients
//! are one transaction upstream.
//!
//! Where the parsed message is refused, the message goes up as it is: the application may still take
//! that.
//!
//! Creates are repeated with the same idempotency key, reads as they are, appends after a read that
//! tells what arrived, and the upload of the message only while no octet of it was taken.
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
//! | answers something else than was asked, or than this API answers, or more than is read, or names a host that is not to be asked | [`Reply::bad_upstream_reply`], 451 4.5.0, and an error in the log |
//!
//! # Where to read
//!
//! | module | holds |
//! |---|---|
//! | `delivery` | one call: what goes with the create, and one host after another |
//! | `intake`, `replies` | what the originator gives, and what is still to be answered |
//! | `request` | each kind of request, how often it is repeated, and what its failure means |
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
