//! How many connections are kept, and for how long.

use std::time::Duration;

/// Limits of the connections to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSettings {
    /// Connections at most, in use and idle ones together; at least one.
    pub max_connections: usize,
    /// How long a transaction waits for one of them before it is answered with 451 4.3.2.
    pub max_wait: Duration,
    /// Idle connections at most; with zero none is kept.
    pub max_idle: usize,
    /// How long a connection is kept idle.
    pub idle_timeout: Duration,
    /// Mail transactions on one connection at most; the server's own limit (RFC 9422) counts too.
    pub max_transactions: u32,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max_connections: 100,
            max_wait: Duration::from_secs(30),
            max_idle: 20,
            idle_timeout: Duration::from_secs(30),
            max_transactions: 1000,
        }
    }
}
