//! Filters that show messages to virus and spam scanners: clamd, rspamd and spamd.
//!
//! This crate uses the public API of [`koukan_core`] only, as a filter of your own does. There is one filter,
//! [`scan`]. What differs between servers is a [`Scanner`]: how a message is shown, and how the answer is
//! read.
//!
//! | module | holds |
//! |---|---|
//! | [`scan`] | the filter |
//! | [`clamav`], [`rspamd`], [`spamassassin`] | the protocols of these servers |
//! | [`server`] | where a server is, and when it is treated as down |
//!
//! # Example
//!
//! Refuses a message that clamd finds infected. The server here is a pipe to the test.
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::test_util::{Script, ScriptedConnector, ScriptedResolver, mail, rcpt, send};
//! use koukan_scan::{clamav::Clamav, scan::ScanLayer, server::Server};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let connector = ScriptedConnector::new(|_, mut io| {
//!     tokio::spawn(async move {
//!         let mut asked = [0; 10];
//!         io.read_exact(&mut asked).await.unwrap();
//!         assert_eq!(&asked, b"zINSTREAM\0");
//!         io.write_all(b"stream: Eicar FOUND\0").await.unwrap();
//!         tokio::io::copy(&mut io, &mut tokio::io::sink()).await.unwrap();
//!     });
//! });
//! let server = Server::new("192.0.2.1:3310".parse()?)
//!     .with_network(Arc::new(connector), Arc::new(ScriptedResolver::new()));
//! let service = ScanLayer::new(Clamav, server).layer(Script::new());
//! let outcome = send(service, mail("a@x"), [rcpt("b@y")], "Subject: hi\r\n\r\nhello\r\n").await;
//! let reply = outcome.message.unwrap().to_string();
//! assert_eq!(reply, "550 5.7.1 message is infected (Eicar)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Types of other crates in the API
//!
//! `tower`'s `Service`, `Layer` and `BoxError`, `bytes::Bytes`, `futures_core::Stream`, and those of `koukan-core`.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `tls` | `Server::with_tls`: TLS to servers that speak it, by that of `koukan-core` |
//!
//! Minimum supported Rust version: 1.88.

pub mod clamav;
mod envelope;
mod failure;
mod finding;
mod kept;
mod lines;
mod matcher;
mod question;
pub mod rspamd;
pub mod scan;
mod scanner;
pub mod server;
pub mod spamassassin;
mod written;

pub use self::{
    envelope::Envelope,
    failure::ScanError,
    finding::{Finding, ScanResult, Unscanned},
    matcher::FoundMatcher,
    question::{Message, Question},
    scanner::Scanner,
};
