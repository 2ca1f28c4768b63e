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
