//! HTTP for Koukan.
//!
//! ```text
//! fn(Readiness) -> axum::Router
//! ```
//!
//! So far: what an orchestrator asks an agent, [`health`], and the transaction as JSON,
//! [`schema`]. The transaction as a resource comes here, on axum, over the stages of `koukan-core`.
//!
//! Minimum supported Rust version: 1.95.

pub mod health;
pub mod schema;
