//! SMTP for Koukan: turns octets on a socket into calls of a [`MailService`](koukan_core::service::MailService),
//! and calls of a `MailService` into octets on a socket.
//!
//! ```text
//! client → Server → impl MailService          SmtpEndpoint: impl MailService → server
//! ```
//!
//! A [`Server`] accepts connections and calls the service that it was given, once for each mail
//! transaction, pipelined and streamed. An [`SmtpEndpoint`] is a service that passes a transaction
//! on to the next host in the same manner. What lies between is up to you; a relay is a `Server`
//! whose service is an `SmtpEndpoint`.
//!
//! This crate does not decide where mail goes, does not store it, and does not retry. The stages in
//! `koukan_core` do that.
//!
//! # Example
//!
//! A server that takes mail for one domain and counts its octets:
//!
//! ```no_run
//! use koukan_core::{reply::Reply, transaction::Transaction};
//! use koukan_smtp::Server;
//! use tower::{BoxError, service_fn};
//!
//! # #[tokio::main]
//! # async fn main() -> std::io::Result<()> {
//! let count = service_fn(|mut tx: Transaction| async move {
//!     tx.mail.answer(Reply::sender_ok());
//!     while let Some(rcpt) = tx.recipients.next().await? {
//!         let is_ours = rcpt.forward_path().as_str().ends_with("@example.com");
//!         rcpt.answer(if is_ours { Reply::recipient_ok() } else { Reply::relay_denied() });
//!     }
//!     let mut octets = 0;
//!     while let Some(chunk) = tx.body.next().await? {
//!         octets += chunk.len();
//!     }
//!     let text = format!("{octets} octets, thank you");
//!     Ok::<_, BoxError>(Reply::message_accepted().with_text(text))
//! });
//! Server::new(count).listen("127.0.0.1:1025").await
//! # }
//! ```
//!
//! # Where to begin
//!
//! | to | see the example of |
//! |---|---|
//! | receive mail | [`Server`], and [`Limits`](server::Limits) for what clients may do |
//! | treat clients differently | [`MakeMailService`](server::MakeMailService) |
//! | send mail | [`SmtpEndpoint`]; the guide [from lettre](https://github.com/koukan/koukan/blob/main/guides/from-lettre.md) |
//! | filter mail | [`from_fn`](mod@koukan_core::middleware::from_fn) in `koukan-core` |
//! | queue mail, and retry | [`store_and_forward`](koukan_core::stage::store_and_forward) in `koukan-core` |
//!
//! # Modules
//!
//! | | |
//! |---|---|
//! | [`codec`] | the wire format without I/O, both halves |
//! | [`server`] | listening, sessions, limits, timeouts |
//! | [`sasl`] | authentication, without I/O, both halves |
//! | [`client`] | finding hosts, connections and their reuse, the endpoint |
//!
//! # Features
//!
//! | | |
//! |---|---|
//! | `tls` | STARTTLS and TLS from the start, for servers and clients |
//! | `mta-sts` | the TLS policies that domains publish for their mail hosts (MTA-STS) |
//! | `scram` | SCRAM-SHA-256, and `PasswordFile`: users whose verifiers are kept in a file |
//! | `idn` | domains that are not ASCII are looked up in the DNS; without this feature they count as domains that do not exist |
//!
//! # Types of other crates in the API
//!
//! `tower`'s `Service` and `BoxError`, `bytes::Bytes`, `tokio`'s `AsyncRead`, `AsyncWrite` and `Instant`, and those of `koukan-core`.
//! An [`Authenticator`](server::Authenticator) is implemented with the macro of the crate `async-trait`.
//!
//! Minimum supported Rust version: 1.88.

#[macro_use]
mod setters;

pub mod client;
pub mod codec;
mod protocol;
pub mod sasl;
pub mod server;
mod sync;

pub use koukan_core::network::{InvalidNetwork, Network};

pub use self::{client::SmtpEndpoint, protocol::Protocol, server::Server};
