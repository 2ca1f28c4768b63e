//! Messages that the agent itself writes, and messages taken apart.

pub mod builder;
pub mod dsn;
pub mod parser;
