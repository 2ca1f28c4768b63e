//! Limits and times of connections.

use std::time::Duration;

use koukan_core::event::Observers;

use crate::health::Readiness;

/// Limits and times of connections.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectionSettings {
    /// The most connections at the same time. One client, which is an IPv4 address or the /64
    /// network of an IPv6 address, may have seven eighths of them; the rest is kept for clients
    /// with few. A client that gets none is answered with 503.
    pub max_connections: usize,
    /// The most connections of one client.
    pub max_connections_per_client: usize,
    /// How long a client may take to send the head of a request. A connection that sends no request
    /// is closed after this time.
    pub header_read_timeout: Duration,
    /// How long an HTTP/2 connection without requests is kept at least; it may be up to twice as long.
    pub idle_timeout: Duration,
    /// How long a client may accept nothing of what is written to it.
    pub write_timeout: Duration,
    /// After how long a silence an HTTP/2 client gets a ping, and how long it has to answer the ping.
    pub ping_interval: Duration,
    /// How long a connection without a request is kept when the server stops: a request may be on its way.
    pub last_call: Duration,
    /// How long requests may still take when the server stops.
    pub drain_timeout: Duration,
    /// Says whether the agent is about to stop.
    pub(super) readiness: Readiness,
    /// Observers of connections.
    pub observers: Observers,
    /// TLS, if connections use it.
    #[cfg(feature = "tls")]
    pub(super) tls: Option<koukan_core::tls::ServerTls>,
}

impl ConnectionSettings {
    /// Tells these observers of connections.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Ends HTTP/1.1 connections with the next answer (`Connection: close`) once the agent
    /// [is about to stop](Readiness::leave), while clients can still connect to it: a client with more requests connects
    /// anew, and may find another process.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Requires HTTP over TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: koukan_core::tls::ServerTls) -> Self {
        self.tls = Some(tls.with_protocols(["h2", "http/1.1"]));
        self
    }
}

impl Default for ConnectionSettings {
    /// 20,000 connections, with no further limit for one client; 30 seconds for request heads, 60
    /// seconds for writes and without requests, pings after 20 seconds, one second for a last request,
    /// and 40 seconds to stop, so that reads that wait for 30 seconds are answered. No observers.
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_connections_per_client: usize::MAX,
            idle_timeout: Duration::from_secs(60),
            header_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            ping_interval: Duration::from_secs(20),
            last_call: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(40),
            readiness: Readiness::default(),
            observers: Observers::default(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}
