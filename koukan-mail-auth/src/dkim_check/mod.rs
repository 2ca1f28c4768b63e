//! Verifies the signatures of messages (DKIM).
//!
//! What is found out is a signal: whether mail is refused because of it is for rules to decide. At most
//! [`SIGNATURES_MAX`](crate::dkim::SIGNATURES_MAX) signatures are looked at, from the top.
//!
//! *Phases*: the message. It goes on once all of it has come and the DNS was asked, for [`TIME_MAX`] at most:
//! then the result of those signatures is `temperror` whose keys nobody has told. Until then it is kept in a blob, and only its header section in memory.
//!
//! *Signals*: writes the durable [`Dkim`] (`dkim`), unless it is there already.
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
