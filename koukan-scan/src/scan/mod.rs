//! Shows each message to a scanner before it goes on.
//!
//! *Phases*: the message. It goes on once all of it has arrived and the scanner has answered. Until then it is kept in
//! a blob; a blob or composition is kept by reference. The scanner reads this copy, so no client keeps it waiting, and
//! no octets are copied for the scanner.
//!
//! *Signals*: writes the scanner's durable signal, a [`Finding`](crate::Finding). Where the transaction already has
//! that signal, it is used and nobody is asked. The exceptions are a signal that says `unscanned`, and one that cannot
//! be read here: then the scanner is asked, and the signal stays as it is.
//!
//! | reply to the message | when |
//! |---|---|
//! | [`Reply::infected`](koukan_core::reply::Reply::infected), [`Reply::spam`](koukan_core::reply::Reply::spam), or the refusal that the scanner asks for | the scanner says so, and the layer [refuses](ScanLayer::without_refusal) |
//! | [`Reply::scanner_unavailable`](koukan_core::reply::Reply::scanner_unavailable) | the scanner cannot be asked; or rules [are to decide](ScanLayer::without_refusal) and there is no room for the signal that they read. Not where messages [may pass](ScanLayer::failing_open) unscanned |
//! | [`Reply::message_too_big`](koukan_core::reply::Reply::message_too_big) | the message is larger than the [limit](ScanLayer::with_max_size), or than the scanner takes. Not where large messages [may pass](ScanLayer::passing_large) |
//! | [`Reply::insufficient_storage`](koukan_core::reply::Reply::insufficient_storage) | there is no room for the message |
//!
//! # Example
//!
//! A message passes while the scanner cannot be asked:
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::test_util::{Script, ScriptedConnector, ScriptedResolver, mail, rcpt, send};
//! use koukan_scan::{clamav::Clamav, scan::ScanLayer, server::Server};
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let down = ScriptedConnector::new(|_, _| {}).with_refused("192.0.2.1:3310".parse()?);
//! let server = Server::new("192.0.2.1:3310".parse()?)
//!     .with_network(Arc::new(down), Arc::new(ScriptedResolver::new()));
//! let service = ScanLayer::new(Clamav, server).failing_open().layer(Script::new());
//! let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert!(outcome.message.unwrap().is_positive());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod layer;
mod service;

pub use self::{
    layer::{MAX_SIZE, ScanLayer},
    service::Scan,
};
