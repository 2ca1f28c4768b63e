//! The public API of the published crates, according to rustdoc: what it is, and that it can grow.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod comfort;
mod examples;
mod foreign;
mod golden;
mod growth;
mod names;
mod rustdoc;
