//! Limits and times of connections.

use std::time::Duration;

use koukan_core::event::Observers;

use crate::health::Readiness;

/// Limits and times of connections.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectionSettings {
    /// Connections at the same time. One client, an IPv4 address or the /64 network of an IPv6 address,
    /// may have seven eighths of them, and what is left goes to those who have few; whoever gets none
    /// is answered with 503.
    pub max_connections: usize,
    /// Connections of one client, at most.
    pub max_connections_per_client: usize,
    /// How long a client may take for the head of a request; connections without a request are
    /// closed after that time.
    pub header_read_timeout: Duration,
    /// How long an HTTP/2 connection is kept on which there is no request, at least; at most it is
    /// twice that.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is written to it.
    pub write_timeout: Duration,
    /// How long HTTP/2 clients are not heard of before they are asked for a sign of life, and how
    /// long they have for it.
    pub ping_interval: Duration,
    /// How long a connection on which nothing is asked is kept when the server stops: a request may be on its way.
    pub last_call: Duration,
    /// How long requests have to end when the server stops.
    pub drain_timeout: Duration,
    /// Says whether the agent is about to stop.
    pub(super) readiness: Readiness,
    /// Those who are told of connections.
    pub observers: Observers,
    /// TLS, where connections have it.
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

    /// Has HTTP/1.1 connections end with the next answer (`Connection: close`) once the agent
    /// [is about to stop](Readiness::leave), while it is still connected to: who asks more connects anew, and may find
    /// another process.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Has clients speak HTTP over TLS, and only that.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: koukan_core::tls::ServerTls) -> Self {
        self.tls = Some(tls.with_protocols(["h2", "http/1.1"]));
        self
    }
}

impl Default for ConnectionSettings {
    /// 20,000 connections, however many of one client; 30 seconds for heads, 60 for writes and
    /// without requests, pings after 20, one for a last request, and 40 for the end, so that reads which hang for 30
    /// are answered. Nobody observes.
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
