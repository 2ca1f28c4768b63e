//! HTTP for Koukan.
//!
//! ```text
//! fn(ResourceService) -> axum::Router
//! ```
//!
//! Offers the transaction resource of `koukan-core` to HTTP clients:
//!
//! | module | what it does |
//! |---|---|
//! | [`server`] | answers HTTP requests with a resource service |
//! | [`client`] | a resource service that asks a server by HTTP (feature `client`, on by default) |
//! | [`schema`] | the transaction as JSON, both ways |
//! | [`auth`] | authenticates callers by bearer tokens |
//! | [`health`] | tells an orchestrator whether the agent is alive and takes mail |
//! | [`webhook`] | reports events to HTTP servers (needs the feature `client`) |
//! | [`metrics`] | the endpoint that Prometheus scrapes |
//!
//! # Types of other crates in the API
//!
//! `axum::Router` and `axum::body::Body`, `http`'s requests and responses, `http_body::Body`, `bytes::Bytes`, `jiff::Timestamp`,
//! `serde_json::Value`, `tower`'s `Service` and `BoxError`, and those of `koukan-core`.
//!
//! Minimum supported Rust version: 1.88.

pub mod auth;
#[cfg(feature = "client")]
pub mod client;
pub mod health;
pub mod metrics;
pub mod schema;
pub mod server;
#[cfg(feature = "client")]
pub mod webhook;
