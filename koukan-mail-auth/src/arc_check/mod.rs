//! Verifies chains of those who have passed messages on (ARC).
//!
//! What is found out is a signal: whom to believe is for rules to decide. A chain that holds says that the message has come
//! from its last sealer as it is, and what each of them says to have found.
//!
//! *Phases*: the message. It goes on once all of it has come and the DNS was asked, for
//! [`TIME_MAX`](crate::dkim_check::TIME_MAX) at most: then the result is `temperror`. For RFC 8617 section 5.2.1 that is a
//! `fail` like others; it has a name of its own so that a rule can put a message off while that helps. Until then it is kept in a blob, and
//! only its header section in memory.
//!
//! *Signals*: writes the durable [`Arc`] (`arc`), unless it is there already.
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage), at the end | there is no room for the message |
//!
//! *Source*: RFC 8617.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     clock::SystemClock,
//!     test_util::{Script, ScriptedResolver, mail, rcpt, send},
//! };
//! use koukan_mail_auth::arc_check::{ArcCheckLayer, Arc};
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dns = std::sync::Arc::new(ScriptedResolver::new());
//! let endpoint = Script::new();
//! let layer = ArcCheckLayer::new(dns, std::sync::Arc::new(SystemClock));
//! let message = "From: alice@example.com\r\n\r\nhello\r\n";
//! send(layer.layer(endpoint.clone()), mail("alice@example.com"), [rcpt("bob@y")], message).await;
//! let found: Arc = endpoint.only_received().signals.find_durable()?.unwrap();
//! assert_eq!(found.result, "none");
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;
mod signal;

pub use self::{layer::ArcCheckLayer, service::ArcCheck, signal::Arc};
