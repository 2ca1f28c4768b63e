//! Verifies the chain of agents that passed a message on (ARC).
//!
//! The result is a signal. Rules decide whom to trust. A valid chain proves that the message is unchanged since its
//! last sealer, and what each sealer says it found.
//!
//! *Phases*: the message. It goes on once all of it has arrived and the DNS has answered. After
//! [`TIME_MAX`](crate::dkim_check::TIME_MAX) without an answer the result is `temperror`. RFC 8617 section 5.2.1 treats
//! that as an ordinary `fail`; the separate name lets a rule defer the message while waiting may help. Until then the
//! message is kept in a blob, and only its header section is in memory.
//!
//! *Signals*: writes the durable [`Arc`] (`arc`), unless it is set already.
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
