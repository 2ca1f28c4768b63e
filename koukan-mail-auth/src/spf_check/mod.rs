//! Checks whether a client may send mail of the domain that it names (SPF).
//!
//! The domain is that of the reverse-path. Where the reverse-path is null, the name in HELO or EHLO is checked,
//! with the local part `postmaster`. The result is a signal; rules decide whether mail is refused because of
//! it.
//!
//! *Phases*: MAIL, which waits for the DNS. After [`TIME_MAX`] without an answer the result is `temperror`.
//!
//! *Signals*: writes the durable [`Spf`] (`spf`), unless it is set already. The result is `none` where the
//! client has no address, as for a message that came by HTTP.
//!
//! *Replies*: none.
//!
//! *Source*: RFC 7208.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     blob::Blob,
//!     clock::SystemClock,
//!     middleware::DeliverRequest,
//!     test_util::{Script, ScriptedResolver, context_from, mail, rcpt, send_with},
//! };
//! use koukan_mail_auth::spf_check::{Spf, SpfCheckLayer};
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let dns = ScriptedResolver::of_zone(r#"example.com. TXT "v=spf1 ip4:192.0.2.1 -all""#);
//! let endpoint = Script::new();
//! let layer = SpfCheckLayer::new("mx.example.net", Arc::new(dns), Arc::new(SystemClock));
//! let context = Arc::new(context_from("192.0.2.9:4321", "client.example"));
//! let message = Blob::from_bytes("\r\nhello\r\n".into());
//! let request = DeliverRequest::new(context, mail("alice@example.com"), message).to(rcpt("bob@y"));
//! send_with(layer.layer(endpoint.clone()), request).await;
//! let spf: Spf = endpoint.only_received().signals.find_durable()?.unwrap();
//! assert_eq!(spf.result, "fail");
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;
mod signal;

pub use self::{
    layer::{SpfCheckLayer, TIME_MAX},
    service::SpfCheck,
    signal::{Identity, Spf},
};
