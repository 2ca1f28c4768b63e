//! HTTP for Koukan.
//!
//! ```text
//! fn(ResourceService) -> axum::Router
//! ```
//!
//! The transaction as a resource, as `koukan-core` has it, for HTTP clients:
//!
//! | module | what it does |
//! |---|---|
//! | [`server`] | answers HTTP requests with a resource service |
//! | [`client`] | is a resource service, and asks a server (feature `client`, on by default) |
//! | [`schema`] | the transaction as JSON, both ways |
//! | [`auth`] | knows who asks, by bearer tokens |
//! | [`health`] | tells an orchestrator whether the agent lives and takes mail |
//! | [`webhook`] | tells HTTP servers of events (with the client) |
//! | [`metrics`] | what Prometheus scrapes |
//!
//! # Types of other crates in the API
//!
//! `axum::Router` and `axum::body::Body`, `http`'s requests and responses, `http_body::Body`, `bytes::Bytes`, `jiff::Timestamp`,
//! `serde_json::Value`, `tower`'s `Service` and `BoxError`, and those of `koukan-core`.
//!
//! Minimum supported Rust version: 1.91.

pub mod auth;
#[cfg(feature = "client")]
pub mod client;
pub mod health;
pub mod metrics;
pub mod schema;
pub mod server;
#[cfg(feature = "client")]
pub mod webhook;
