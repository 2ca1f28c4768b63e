//! Who may send as whom: the permitted reverse-paths and `From` addresses of authenticated clients.
//!
//! A client's identity ([`Context::identity`](crate::context::Context::identity)) may use some addresses
//! ([`Permissions`]), both as reverse-path and in the `From` field. Readers see the `From` field: without checking
//! it, a user could write in anybody's name. A `Sender` field must be one of the identity's addresses, too, since
//! readers show it.
//!
//! *Phases*: MAIL, and the header section of the message, which is held until it is complete, and charged to the
//! transaction's account. A message that is passed on by reference stays a reference, unless it is changed.
//!
//! | | |
//! |---|---|
//! | the null reverse-path | may be used unless [`SendAs::without_null`] is set; the `From` field is checked in any case |
//! | several `From` fields, none, or one with something that is not an address | refused: readers would not agree who it is from |
//! | several addresses, also in a group | each must be one of the identity's |
//! | a source route (`<@a:b@c>`) | is ignored: the mailbox counts |
//! | an encoded word or a name that looks like an address | is a name, not an address |
//! | case | ASCII case does not matter, not even in local parts |
//! | local parts in UTF-8 | are compared octet by octet, without normalisation |
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::policy_refused`](crate::reply::Reply::policy_refused) to MAIL | the reverse-path is not one of the identity's |
//! | [`Reply::policy_refused`](crate::reply::Reply::policy_refused) to the message | an address in `From` or `Sender` is not |
//! | [`Reply::message_too_big`](crate::reply::Reply::message_too_big) to the message | the header section has more than [`HEADER_MAX`](crate::body::HEADER_MAX) octets |
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     context::{Context, Sender},
//!     filter::send_as::{Permissions, SendAs, SendAsLayer},
//!     middleware::DeliverRequest,
//!     test_util::{Script, mail, rcpt, send_with},
//! };
//! use std::sync::Arc;
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let permissions: Permissions = "alice alice@example.com team.example.com".parse().unwrap();
//! let service = SendAsLayer::new(SendAs::new(permissions)).layer(Script::new());
//! let mut facts = Context::new(Sender::new("users"));
//! facts.identity = Some("alice".into());
//! let message = koukan_core::blob::Blob::from_bytes("From: eve@example.com\r\n\r\n".into());
//! let mut request = DeliverRequest::new(Arc::new(facts), mail("alice@example.com"), message);
//! request.recipients.push(rcpt("bob@example.org"));
//! let outcome = send_with(service, request).await;
//! assert!(outcome.message.unwrap().is_permanent());
//! # });
//! ```
//!
//! *Source*: RFC 6409 sections 6.1, 8.1.

mod check;
mod layer;
mod permissions;
mod service;

pub use self::{
    check::{SendAs, Unsuitable},
    layer::SendAsLayer,
    permissions::Permissions,
    service::SendAsService,
};
