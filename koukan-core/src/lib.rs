//! The contract of the Koukan mail transfer agent: one mail transaction is one tower call.
//!
//! ```text
//! async fn(Transaction) -> Result<Reply, BoxError>
//! ```
//!
//! This crate contains that contract, the stages that take a transaction through an agent, and
//! filters. Sockets, SQL and HTTP are in `koukan-smtp`, `koukan-storage` and `koukan-rest`.
//!
//! # Example
//!
//! A filter in front of an endpoint, and a transaction through both:
//!
//! ```
//! use koukan_core::{
//!     middleware::{Next, from_fn},
//!     reply::Reply,
//!     test_util::{Script, mail, rcpt, send},
//!     transaction::Transaction,
//! };
//! use tower::{BoxError, Layer};
//!
//! async fn no_bounces(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
//!     if tx.mail.reverse_path().is_null() {
//!         return Ok(Reply::policy_refused());
//!     }
//!     next.run(tx).await
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let service = from_fn(no_bounces).layer(Script::new());
//! let outcome = send(service, mail(""), [rcpt("bob@example.com")], "\r\nhello\r\n").await;
//! assert_eq!(outcome.mail, Reply::policy_refused());
//! # });
//! ```
//!
//! # Where to begin
//!
//! | to write | see the example of | and the guide |
//! |---|---|---|
//! | a filter | [`from_fn`](mod@middleware::from_fn); [`callbacks`](mod@middleware::callbacks) for one without streams | [building a filter](https://github.com/koukan/koukan/blob/main/guides/building-a-filter.md) |
//! | a filter that changes the header | [`Transaction::edit_header`](transaction::Transaction::edit_header) | the same, under "Changing the message" |
//! | an endpoint | [`transaction`], and [`Collected`](transaction::Collected) for whole messages | [an endpoint of your own](https://github.com/koukan/koukan/blob/main/guides/an-endpoint-of-your-own.md) |
//! | a queue with retries | [`store_and_forward`](stage::store_and_forward) | [embedding the queue](https://github.com/koukan/koukan/blob/main/guides/embedding-the-queue.md) |
//! | a test | the one above: `test_util` (feature `test-util`) | [testing your filter](https://github.com/koukan/koukan/blob/main/guides/testing-your-filter.md) |
//! | a backend for the queue | [`storage`] | [writing a backend](https://github.com/koukan/koukan/blob/main/docs/writing-a-backend.md) |
//! | an SMTP server or client | the crate `koukan-smtp` | [from lettre](https://github.com/koukan/koukan/blob/main/guides/from-lettre.md), [from mailin-embedded](https://github.com/koukan/koukan/blob/main/guides/from-mailin-embedded.md) |
//! | a whole agent with your parts | the crate `koukan` | |
//!
//! # Modules
//!
//! | module | holds |
//! |---|---|
//! | [`transaction`] | the contract and its five laws: start here |
//! | [`reply`], [`path`], [`context`], [`signals`] | the values a transaction is made of |
//! | [`body`], [`blob`] | the message, as a stream and as shared octets |
//! | [`service`] | what a stage is, type-erased forms, what happens to failures |
//! | [`middleware`] | filters made of functions, timeouts, traces |
//! | [`filter`] | the filters |
//! | [`stage`] | Exploder, StorageWriter, OutputHandler, Dispatcher, RestHandler, RestEndpoint |
//! | [`explain`] | predicting what would become of a message |
//! | [`storage`] | the live and the durable tier between input and output |
//! | [`message`] | messages from and to JSON, and those that the agent itself writes |
//! | [`event`], [`observer`] | what happens, and who is told: the log and other observers |
//! | [`clock`], [`random`] | time and random numbers, which tests can set |
//! | [`network`] | names and connections, which embedders and tests can replace |
//! | [`blocking`] | threads for work that takes long |
//! | [`accepting`] | what servers do when they cannot accept connections |
//! | [`shares`], [`rate`] | sharing scarce resources between clients; how many messages may be sent in a time |
//! | [`resource`] | the transaction as a resource, as the REST API shows it |
//! | [`repeats`], [`lists`], [`causes`] | limiting repeated log lines; several values, and the causes of an error, in one field of a log line |
//! | `tls` | certificates, trust, and encrypted streams |
//! | [`waking`] | how parts of a task wake each other |
//! | [`supervision`] | what happens when long-lived parts end or panic |
//! | `test_util` (feature `test-util`) | scripted services, clocks and networks for tests of filters and endpoints |
//! | [`ServiceBuilderExt`] | one method of a `tower::ServiceBuilder` for each layer |
//!
//! # Features
//!
//! `charsets`: all charsets of mail, for parsed messages. Without it, only UTF-8, UTF-16, UTF-32 and windows-1252
//! are decoded.
//!
//! `idn`: internationalised domains can be looked up in the DNS. Without it, they are treated as invalid domains.
//!
//! `metrics`: the observer `observer::Metrics`, for the crate `metrics`.
//!
//! `dns`: a resolver that asks DNS servers itself, for [`network`].
//!
//! `net`: the operating system's network, for [`network`].
//!
//! `tls`: TLS by rustls, for servers and clients, as the module `tls`.
//!
//! `test-util`: scripted services, clocks, and the contract suite that every storage backend must pass.
//!
//! `test-certificates`: certificates for tests, with `test-util` and `tls`.
//!
//! # Types of other crates in the API
//!
//! `bytes::Bytes`; `tower`'s `Service`, `Layer` and `BoxError`; `jiff::Timestamp`; `futures_core::Stream` and
//! `futures_util::future::Either`; `serde`'s traits; `serde_json::Value` for JSON; `tokio`'s `Notify`, and for sockets
//! its `AsyncRead` and `AsyncWrite`. With features: `metrics::Recorder`; errors and streams of `rustls`,
//! `rustls_pki_types` and `tokio_rustls`; errors of `hickory_resolver`; `tracing::Level` for tests. A new major version
//! of one of these means a new major version of this crate.
//!
//! The traits with `async` methods, such as [`Resolver`](network::Resolver), [`Connector`](network::Connector) and
//! [`Backend`](storage::Backend), are implemented with the macro of the crate `async-trait`.
//!
//! Minimum supported Rust version: 1.88.

pub mod accepting;
mod beginning;
pub mod blob;
pub mod blocking;
pub mod body;
pub mod causes;
pub mod clock;
pub mod context;
mod envelope;
pub mod event;
pub mod explain;
mod failure;
mod few;
pub mod files;
pub mod filter;
mod fnv;
mod host_port;
mod id;
mod incoming_blob;
pub mod lists;
pub mod message;
pub mod middleware;
pub mod network;
pub mod observer;
pub mod path;
mod pipe;
pub mod random;
pub mod rate;
mod remote_address;
pub mod repeats;
pub mod reply;
pub mod resource;
pub mod service;
mod service_builder_ext;
pub mod shares;
pub mod signals;
pub mod stage;
pub mod storage;
pub mod supervision;
mod sync;
#[cfg(feature = "test-util")]
pub mod test_util;
#[cfg(feature = "tls")]
pub mod tls;
pub mod transaction;
pub mod waking;

pub use self::{id::InvalidId, service_builder_ext::ServiceBuilderExt};
