//! Koukan: a mail transfer agent that is also a library.
//!
//! ```text
//! Koukan::builder() → config file → start() or run()
//! ```
//!
//! This crate composes the stages of [`koukan_core`], the SMTP server and client of
//! [`koukan_smtp`] and the database of [`koukan_storage`] into an agent, as a configuration file
//! says. It has no behaviour of its own: who wants another agent composes the same parts
//! otherwise.
//!
//! | module | holds |
//! |---|---|
//! | [`command`] | what the binaries have in common |
//! | [`config`] | the configuration, typed and checked |
//! | [`registry`] | filters by name, and what they are given |
//! | [`logging`] | logs, as configured |
//! | `simulation` (feature) | a whole agent in one thread, from one seed |
//!
//! Minimum supported Rust version: 1.95.

mod agent;
pub mod command;
mod compose;
pub mod config;
mod descriptors;
mod http_authenticator;
pub mod logging;
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
