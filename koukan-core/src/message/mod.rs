//! Messages that the agent itself writes.

pub mod dsn;
