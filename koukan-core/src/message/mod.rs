//! Messages that the agent itself writes.

pub mod builder;
pub mod dsn;
