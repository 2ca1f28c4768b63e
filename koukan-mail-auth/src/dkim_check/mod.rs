//! Verifies the DKIM signatures of messages.
//!
//! The result is a signal; rules decide whether mail is refused because of it. At most
//! [`SIGNATURES_MAX`](crate::dkim::SIGNATURES_MAX) signatures are verified, from the top.
//!
//! *Phases*: the message. It goes on once all of it has arrived and the DNS has answered, or after [`TIME_MAX`]: a
//! signature whose key is missing by then has the result `temperror`. Until then the message is kept in a blob, and
//! only its header section is in memory.
//!
//! *Signals*: writes the durable [`Dkim`] (`dkim`), unless it is set already.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage), at the end | there is no room for the message |
//!
//! *Source*: RFC 6376, RFC 8301, RFC 8463.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     clock::SystemClock,
//!     test_util::{Script, ScriptedResolver, mail, rcpt, send},
//! };
//! use koukan_mail_auth::dkim_check::{DkimCheckLayer, Dkim};
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dns = std::sync::Arc::new(ScriptedResolver::new());
//! let endpoint = Script::new();
//! let layer = DkimCheckLayer::new(dns, std::sync::Arc::new(SystemClock));
//! let message = "From: alice@example.com\r\n\r\nhello\r\n";
//! send(layer.layer(endpoint.clone()), mail("alice@example.com"), [rcpt("bob@y")], message).await;
//! let found: Dkim = endpoint.only_received().signals.find_durable()?.unwrap();
//! assert_eq!(found.result, "none");
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;
mod signal;

pub use self::{
    layer::{DkimCheckLayer, TIME_MAX},
    service::DkimCheck,
    signal::{Dkim, Signature},
};
