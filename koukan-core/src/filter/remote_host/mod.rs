//! Looks up the client's host name: the names of its address (PTR), whether one of them resolves back to the
//! address, and whether the client gave that name in HELO or EHLO.
//!
//! Rules decide whether mail is refused because of that: [`RemoteHostMatcher`].
//!
//! *Phases*: MAIL, which waits for the DNS for at most [`TIME_MAX`]. What is unknown by then stays unknown, and
//! is neither true nor false.
//!
//! *Signals*: writes the durable [`RemoteHost`] (`remote_host`), unless it is set already.
//!
//! *Replies*: none.
//!
//! At most [`NAMES_MAX`] names of an address are looked up, all at the same time, since the owner of an address
//! can give it any number of names.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     filter::remote_host::{RemoteHost, RemoteHostLayer},
//!     middleware::DeliverRequest,
//!     blob::Blob,
//!     test_util::{Script, ScriptedResolver, context_from, mail, rcpt, send_with},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let dns = ScriptedResolver::new()
//!     .with_ptr("192.0.2.1".parse().unwrap(), ["mx.example.com".into()])
//!     .with_addresses("mx.example.com", ["192.0.2.1".parse().unwrap()]);
//! let upstream = Script::new();
//! let service = RemoteHostLayer::new(Arc::new(dns)).layer(upstream.clone());
//! let context = Arc::new(context_from("192.0.2.1:4711", "MX.example.com"));
//! let message = Blob::from_bytes("\r\nhello\r\n".into());
//! let mut request = DeliverRequest::new(context, mail("alice@example.com"), message);
//! request.recipients = vec![rcpt("bob@example.net")];
//! let _ = send_with(service, request).await;
//! let found: RemoteHost = upstream.only_received().signals.find_durable().unwrap().unwrap();
//! assert_eq!(found.remote_hostname.as_deref(), Some("mx.example.com"));
//! assert_eq!((found.fcrdns, found.ehlo_alignment), (Some(true), Some(true)));
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! *Source*: RFC 1912 section 2.1, RFC 8601 section 3 (`iprev`).

mod layer;
mod look_up;
mod matcher;
mod service;
mod signal;

pub use self::{
    layer::{RemoteHostLayer, TIME_MAX},
    look_up::NAMES_MAX,
    matcher::RemoteHostMatcher,
    service::FindRemoteHost,
    signal::{LookupStatus, RemoteHost},
};
