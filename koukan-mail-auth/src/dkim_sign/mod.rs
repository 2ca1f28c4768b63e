//! Signs messages on behalf of their authors' domains (DKIM).
//!
//! The keys in the DNS prove to readers that the domain takes responsibility for the message, and that
//! nobody has changed it since. The filter adds one `DKIM-Signature` field for each [`Key`] whose domain
//! is the author's, so a message may have an RSA and an Ed25519 signature. A message whose author is of no
//! such domain passes unsigned, and so does one with no `From` field or several.
//!
//! A signature contains the time at which it was made, so signing a message twice makes two different
//! signatures. For that reason this filter stands before the Exploder: the legs then still carry one
//! message. It stands behind every filter that changes what is signed.
//!
//! *Phases*: the message. It goes on once all of it has arrived, since the signature stands at its top.
//! Until then it is kept in a blob, and only its header section is in memory.
//!
//! *Signals*: none.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage), at the end | there is no room for the message |
//! | [`Reply::message_too_big`](koukan_core::reply::Reply::message_too_big), at the end | its header section is longer than [`HEADER_MAX`](crate::dkim::HEADER_MAX) |
//! | [`Reply::local_error`](koukan_core::reply::Reply::local_error), at the end | a key cannot sign |
//!
//! *Source*: RFC 6376, RFC 8463.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     clock::SystemClock,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use koukan_mail_auth::{
//!     dkim::{Algorithm, SignatureSpec, SigningKey},
//!     dkim_sign::{DkimSignLayer, Key, SharedKey},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let (key, _pem) = SigningKey::generate(Algorithm::Ed25519)?;
//! let key = Key::new(SignatureSpec::new("example.com", "s1"), SharedKey::new(key));
//! let endpoint = Script::new();
//! let service = DkimSignLayer::new([key], Arc::new(SystemClock)).layer(endpoint.clone());
//! let message = "From: alice@example.com\r\n\r\nhello\r\n";
//! send(service, mail("alice@example.com"), [rcpt("bob@y")], message).await;
//! assert!(endpoint.only_received().text().starts_with("DKIM-Signature: "));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod key;
mod layer;
mod service;

pub use self::{
    key::{Key, SharedKey},
    layer::{Author, DkimSignLayer},
    service::DkimSign,
};
