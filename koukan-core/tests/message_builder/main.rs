//! Messages from specs, read by independent parsers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod content;
#[path = "../message/mod.rs"]
mod message;
mod read_by_others;
mod rendering;
