//! The SMTP client against servers that follow scripts.

mod content;
mod envelope;
mod failures;
mod hosts;
mod net;
mod pool;
mod script;
mod sending;
mod timeouts;
