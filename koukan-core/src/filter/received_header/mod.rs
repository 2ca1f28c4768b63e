//! Adds the `Received` trace field, and refuses messages that go round in a loop.
//!
//! The field is put before the message when its first octets come, since it depends on the
//! recipients:
//!
//! ```text
//! Received: from client.example ([192.0.2.1]) by mx.example.com with ESMTPS
//!  id 4xww8tt5f1dhf8n94wxpvyvzvw for <bob@example.com>
//!  tls TLS_AES_256_GCM_SHA384 (TLSv1.3); Fri, 2 Jan 2026 03:04:05 +0000
//! ```
//!
//! - `from` has the client's name as it was given in HELO or EHLO, and its address. A name that is
//!   none stands in a comment, with harmless octets only. Where the filter `remote_host` stands before and has
//!   confirmed a name of the address, that stands before the address: `(mx.client.example [192.0.2.1])`.
//! - `with` is the transmission type: RFC 3848, with SMTPUTF8 RFC 6531. Without HELO or EHLO, as
//!   for a message that came by HTTP, there is none.
//! - `id` is the [`TraceId`](crate::signals::TraceId).
//! - `for` stands only where there is one recipient, so that no recipient learns of another.
//! - `tls` is the cipher suite: RFC 8314 section 4.3.
//!
//! A message that does not begin with a header section is separated from the field by an empty line;
//! see [`Opening`](crate::message::opening::Opening). What the message comes to
//! ([`Parameters::size`](crate::path::Parameters::size)) grows by as much as the field may have.
//!
//! *Phases*: looks at the recipients as they pass and at the header section of the message. A
//! message that is passed on by reference stays so, and its header section is read beside; of
//! others nothing is held.
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
