//! Adds the `Received` trace field, and refuses messages that loop.
//!
//! The field is put before the message when its first octets arrive, since it depends on the
//! recipients:
//!
//! ```text
//! Received: from client.example ([192.0.2.1]) by mx.example.com with ESMTPS
//!  id 4xww8tt5f1dhf8n94wxpvyvzvw for <bob@example.com>
//!  tls TLS_AES_256_GCM_SHA384 (TLSv1.3); Fri, 2 Jan 2026 03:04:05 +0000
//! ```
//!
//! - `from` has the client's name from HELO or EHLO, and its address. An invalid name stands in a comment,
//!   with harmless octets only. If the filter `remote_host` stands before this one and has confirmed a name of
//!   the address, that name stands before the address: `(mx.client.example [192.0.2.1])`.
//! - `with` is the transmission type: RFC 3848, with SMTPUTF8 RFC 6531. It is missing without HELO or EHLO, as
//!   for a message that came by HTTP.
//! - `id` is the [`TraceId`](crate::signals::TraceId).
//! - `for` is present only where there is one recipient, so that no recipient learns of another.
//! - `tls` is the cipher suite: RFC 8314 section 4.3.
//!
//! If a message does not begin with a header section, an empty line separates it from the field; see
//! [`Opening`](crate::message::opening::Opening). The declared size
//! ([`Parameters::size`](crate::path::Parameters::size)) grows by the largest size of the field.
//!
//! *Phases*: reads the recipients as they pass, and the header section of the message. A message
//! that is passed on by reference stays a reference, and a second reader reads its header section;
//! of other messages nothing is held.
//!
//! *Signals*: reads and writes [`TraceId`](crate::signals::TraceId), reads
//! [`RemoteHost`](crate::filter::remote_host::RemoteHost).
//!
//! | reply | when |
//! |---|---|
//! | [`Reply::routing_loop`](crate::reply::Reply::routing_loop) to the message | it has more than the allowed number of `Received` fields |
//!
//! *Source*: RFC 5321 sections 4.4 and 6.3.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     filter::received_header::ReceivedHeaderLayer,
//!     test_util::{ManualClock, Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let endpoint = Script::new();
//! let clock = Arc::new(ManualClock::default());
//! let service = ReceivedHeaderLayer::new("mx.example.com", clock)?.layer(endpoint.clone());
//! send(service, mail("a@x"), [rcpt("b@y")], "Subject: hi\r\n\r\nhello\r\n").await;
//! let received = endpoint.only_received();
//! assert!(received.text().starts_with("Received: "));
//! assert!(received.text().contains("by mx.example.com"));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod clauses;
mod field;
mod layer;
mod recipients;
mod scanner;
mod service;

pub use self::{
    layer::{MAX_RECEIVED_FIELDS, ReceivedHeaderLayer},
    service::ReceivedHeader,
};
