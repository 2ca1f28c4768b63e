//! Koukan: a mail transfer agent that is also a library.
//!
//! ```text
//! Koukan::builder() → main()
//!                   → config file or text → run(), run_until(stop), serve(socket, stop) or start()
//! ```
//!
//! This crate puts the stages of [`koukan_core`], the SMTP server and client of [`koukan_smtp`] and
//! the database of [`koukan_storage`] together into an agent, as a configuration file says. It adds
//! no behaviour of its own: to get another agent, put the same parts together in another way.
//!
//! # Example
//!
//! The program `koukan` with a filter and an endpoint of your own, which its configuration can name:
//!
//! ```no_run
//! use koukan::Koukan;
//! use koukan_core::{
//!     middleware::{Next, from_fn},
//!     reply::Reply,
//!     transaction::Transaction,
//! };
//! use serde::Deserialize;
//! use tower::{BoxError, service_fn};
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Nothing {}
//!
//! async fn no_bounces(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
//!     if tx.mail.reverse_path().is_null() {
//!         return Ok(Reply::policy_refused());
//!     }
//!     next.run(tx).await
//! }
//!
//! async fn nobody(_: Transaction) -> Result<Reply, BoxError> {
//!     Ok(Reply::no_such_user())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     Koukan::builder()
//!         .filter("no_bounces", |_: Nothing| from_fn(no_bounces))
//!         .endpoint("nobody", |_: Nothing| service_fn(nobody))
//!         .main()
//! }
//! ```
//!
//! # Where to begin
//!
//! | to | see |
//! |---|---|
//! | add filters and endpoints | [`Builder::try_filter`], [`Builder::endpoint`]; the guide [an endpoint of your own](https://github.com/koukan/koukan/blob/main/guides/an-endpoint-of-your-own.md#in-a-configuration) |
//! | describe their settings to editors | [`Builder::filter_schema`] |
//! | run an agent within a program | [`Koukan::serve`], [`Koukan::run_until`]; [`Running::router`] for the REST API |
//! | write the configuration | [configuration.md](https://github.com/koukan/koukan/blob/main/docs/configuration.md) |
//! | use the parts without a configuration | [`koukan_core`], [`koukan_smtp`] |
//!
//! # Modules
//!
//! | module | holds |
//! |---|---|
//! | `command` (feature `cli`) | what the binaries share |
//! | [`config`] | the configuration, typed and checked |
//! | [`registry`] | filters and endpoints by name, and their surroundings |
//! | [`logging`] | logs, as the configuration says |
//! | `simulation` (feature) | a whole agent in one thread, from one seed |
//!
//! # Features
//!
//! | feature | on unless `default-features = false` | adds |
//! |---|---|---|
//! | `dns` | yes | names are looked up by asking DNS servers, instead of the operating system |
//! | `mail-auth` | yes | filters for SPF, DKIM and DMARC |
//! | `scan` | yes | filters that let scanners check messages: clamd, rspamd and spamd |
//! | `cli` | yes | [`Builder::main`] and the binaries, with clap |
//! | `allocator` | yes | the allocator mimalloc, for the binaries; the library never sets one |
//! | `simulation` | no | the module `simulation` |
//!
//! A service that has a `main` of its own needs no command line:
//! `koukan = { version = "0.1", default-features = false, features = ["dns", "mail-auth"] }`.
//!
//! # Types of other crates in the API
//!
//! `axum::Router`, `serde`'s traits and `serde_json::Value` for the configuration of filters, `schemars::JsonSchema`,
//! `tower`'s `Layer` and `BoxError`, `jiff::Timestamp`, an error of `tracing_subscriber`, and those of `koukan-core`, `koukan-rest` and `koukan-smtp`.
//!
//! Minimum supported Rust version: 1.94.

mod agent;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
pub mod command;
mod compose;
pub mod config;
mod descriptors;
#[cfg(feature = "cli")]
mod handed_over;
mod http_authenticator;
pub mod logging;
#[cfg(all(feature = "cli", feature = "allocator"))]
mod memory;
pub mod registry;
mod stamps;
mod supervisor;
mod unix_signals;

/// A whole agent in one thread, from one seed.
#[cfg(feature = "simulation")]
pub use koukan_simulation as simulation;

pub use self::{
    agent::{Builder, Koukan, Running},
    compose::StartError,
};

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
