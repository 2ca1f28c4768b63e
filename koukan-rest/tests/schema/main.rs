//! The transaction as JSON.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod append;
mod create;
mod etag;
mod generators;
mod message;
mod openapi;
mod problem;
mod refused;
mod reply;
mod round_trip;
mod view;
