//! The SMTP client against servers that follow scripts.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod content;
mod envelope;
mod failures;
mod hosts;
mod net;
mod order;
mod pool;
mod script;
mod sending;
mod tcp;
mod timeouts;
