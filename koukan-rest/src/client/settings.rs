//! The settings of a client.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use koukan_core::network::{SharedConnector, SharedResolver, SystemResolver, TcpConnector};

/// How a [`Client`](super::Client) connects, and which servers it trusts.
#[derive(Clone)]
pub struct ClientSettings {
    pub(super) token: Option<Box<str>>,
    pub(super) token_urls: Vec<Box<str>>,
    pub(super) other_urls: Vec<Box<str>>,
    pub(super) ca: Option<Bytes>,
    pub(super) http2: bool,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) redirects_max: usize,
    pub(super) repetitions_max: u32,
    pub(super) response_max: usize,
    pub(super) connector: SharedConnector,
    pub(super) resolver: SharedResolver,
}

impl Default for ClientSettings {
    /// Ten seconds to connect; thirty seconds for an answer, in addition to the wait that a request
    /// asks for; a minute between octets; 5 redirects; 2 repetitions; answers of at most 4 MiB.
    fn default() -> Self {
        Self {
            token: None,
            token_urls: Vec::new(),
            other_urls: Vec::new(),
            ca: None,
            http2: false,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            redirects_max: 5,
            repetitions_max: 2,
            response_max: 4 << 20,
            connector: Arc::new(TcpConnector),
            resolver: Arc::new(SystemResolver),
        }
    }
}

impl ClientSettings {
    /// Connects and resolves names with these in place of the operating system.
    #[must_use]
    pub fn with_network(mut self, connector: SharedConnector, resolver: SharedResolver) -> Self {
        self.connector = connector;
        self.resolver = resolver;
        self
    }

    /// Sends a bearer token to the server, and to no other.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Allows the server to name the server at this URL in redirects and in the URIs of
    /// transactions and blobs. The token is not sent there.
    #[must_use]
    pub fn with_other_url(mut self, url: &str) -> Self {
        self.other_urls.push(url.into());
        self
    }

    /// Sends the token to the server at this URL too, for example another replica, and allows the
    /// server to name it as with [`ClientSettings::with_other_url`].
    #[must_use]
    pub fn with_token_for(mut self, url: &str) -> Self {
        self.token_urls.push(url.into());
        self
    }

    /// Trusts these certificates, in PEM, instead of the system's.
    #[must_use]
    pub fn with_ca(mut self, pem: impl Into<Bytes>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Speaks HTTP/2 to servers without TLS; they must be known to support it.
    #[must_use]
    pub fn with_http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// Sets how long to wait for a connection, including TLS.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait for an answer once the request was sent, in addition to the wait that
    /// the request asks for.
    #[must_use]
    pub fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how long the server may take to accept the next octets of an upload, and to send the
    /// next octets of an answer.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets how many redirects are followed for one request.
    #[must_use]
    pub fn with_redirects_max(mut self, redirects: usize) -> Self {
        self.redirects_max = redirects;
        self
    }

    /// Sets how often a request is repeated at most.
    #[must_use]
    pub fn with_repetitions_max(mut self, repetitions: u32) -> Self {
        self.repetitions_max = repetitions;
        self
    }

    /// Sets how many octets of an answer are read at most.
    #[must_use]
    pub fn with_response_max(mut self, octets: usize) -> Self {
        self.response_max = octets;
        self
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("has_token", &self.token.is_some())
            .field("has_ca", &self.ca.is_some())
            .field("http2", &self.http2)
            .finish_non_exhaustive()
    }
}
