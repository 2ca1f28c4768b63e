//! How many connections are kept, and for how long.

use std::time::Duration;

use koukan_core::{
    rate::{Rate, ReplicaCount},
    signals::HostPort,
};

use crate::client::by_host::ByHost;

/// Limits of the connections to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolSettings {
    /// The most connections, in use and idle together; at least one.
    pub max_connections: usize,
    /// How long a transaction waits for one of them before it is answered with 451 4.3.2.
    pub max_wait: Duration,
    /// The most idle connections; with zero, none is kept.
    pub max_idle: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// The most mail transactions on one connection; the server's own limit (RFC 9422) counts too.
    pub max_transactions: u32,
    /// The most recipients in one mail transaction that a host is to accept; at least one. Further ones are answered
    /// with 452 4.5.3 and not sent, so that a [`Sharing`](koukan_core::stage::sharing::Sharing) around the endpoint
    /// sends to them in another transaction. Default: no limit.
    pub max_recipients: usize,
    /// Limits for single hosts, which override these.
    pub hosts: HostLimits,
    /// The number of replicas that share the connections to a host. Default: one.
    pub replicas: ReplicaCount,
}

/// Limits of single hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostLimits(ByHost<HostLimit>);

/// Limits of one host; a missing one is taken from those for all hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostLimit {
    /// Like [`PoolSettings::max_connections`].
    pub max_connections: Option<usize>,
    /// Like [`PoolSettings::max_transactions`].
    pub max_transactions: Option<u32>,
    /// Like [`PoolSettings::max_recipients`].
    pub max_recipients: Option<usize>,
    /// How many messages may be sent to the host in a time. Further ones are answered with 450 4.4.5 at once, and
    /// that reply carries [`OverRate`](koukan_core::rate::OverRate). Endpoints with the same rate share it.
    pub rate: Option<Rate>,
}

impl HostLimit {
    /// With another [`HostLimit::max_connections`].
    #[must_use]
    pub fn with_max_connections(mut self, max_connections: Option<usize>) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// With another [`HostLimit::max_transactions`].
    #[must_use]
    pub fn with_max_transactions(mut self, max_transactions: Option<u32>) -> Self {
        self.max_transactions = max_transactions;
        self
    }

    /// With another [`HostLimit::max_recipients`].
    #[must_use]
    pub fn with_max_recipients(mut self, max_recipients: Option<usize>) -> Self {
        self.max_recipients = max_recipients;
        self
    }

    /// With another [`HostLimit::rate`].
    #[must_use]
    pub fn with_rate(mut self, rate: Option<Rate>) -> Self {
        self.rate = rate;
        self
    }
}

impl HostLimits {
    /// Sets the limits of a host; replaces earlier ones. The case of the host name does not matter.
    pub fn set(&mut self, host: &HostPort, limit: HostLimit) {
        self.0.set(host, limit);
    }

    fn find(&self, host: &HostPort) -> Option<&HostLimit> {
        self.0.find(host)
    }
}

impl PoolSettings {
    /// The most connections to that host, of all replicas together.
    pub fn max_connections_of(&self, host: &HostPort) -> usize {
        let own = self.hosts.find(host).and_then(|own| own.max_connections);
        own.unwrap_or(self.max_connections)
    }

    /// The most connections to that host, of this replica; at least one.
    pub fn own_connections_of(&self, host: &HostPort) -> usize {
        self.replicas.share(self.max_connections_of(host))
    }

    /// The most mail transactions on one connection to that host.
    pub fn max_transactions_of(&self, host: &HostPort) -> u32 {
        let own = self.hosts.find(host).and_then(|own| own.max_transactions);
        own.unwrap_or(self.max_transactions)
    }

    /// The most recipients in one mail transaction with that host.
    pub fn max_recipients_of(&self, host: &HostPort) -> usize {
        let own = self.hosts.find(host).and_then(|own| own.max_recipients);
        own.unwrap_or(self.max_recipients).max(1)
    }

    /// Whether that host has limits of its own.
    pub(super) fn has_own_limits(&self, host: &HostPort) -> bool {
        self.hosts.find(host).is_some()
    }

    /// How many messages may be sent to that host in a time, if that is limited.
    pub fn rate_of(&self, host: &HostPort) -> Option<&Rate> {
        self.hosts.find(host)?.rate.as_ref()
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max_connections: 100,
            max_wait: Duration::from_secs(30),
            max_idle: 20,
            idle_timeout: Duration::from_secs(30),
            max_transactions: 1000,
            max_recipients: usize::MAX,
            hosts: HostLimits::default(),
            replicas: ReplicaCount::default(),
        }
    }
}
