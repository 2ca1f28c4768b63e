//! How a client connects, and whom it trusts.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use koukan_core::network::{SharedConnector, SharedResolver, SystemResolver, TcpConnector};

/// How a [`Client`](super::Client) connects, and whom it trusts.
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
    /// Ten seconds to connect, thirty for an answer beyond what was asked for as a wait, a minute
    /// between octets; 5 redirects, 2 repetitions, and answers of 4 MiB at most.
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
    /// Connects, and resolves names, in other ways than the operating system's.
    #[must_use]
    pub fn with_network(mut self, connector: SharedConnector, resolver: SharedResolver) -> Self {
        self.connector = connector;
        self.resolver = resolver;
        self
    }

    /// Shows a bearer token to the server, and to no other.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Lets the server name this one, by its URL, in redirects and in the URIs of transactions and
    /// blobs; it is not shown the token.
    #[must_use]
    pub fn with_other_url(mut self, url: &str) -> Self {
        self.other_urls.push(url.into());
        self
    }

    /// Shows the token to the server at this URL, too, as to another replica, and lets the server
    /// name it as [`ClientSettings::with_other_url`] does.
    #[must_use]
    pub fn with_token_for(mut self, url: &str) -> Self {
        self.token_urls.push(url.into());
        self
    }

    /// Trusts these certificates, in PEM, in place of the system's.
    #[must_use]
    pub fn with_ca(mut self, pem: impl Into<Bytes>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Speaks h2 to servers without TLS, which must be known to do so.
    #[must_use]
    pub fn with_http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
        self
    }

    /// Sets how long to wait for a connection, with TLS.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait for an answer once the request was sent, beyond what is asked for as a
    /// wait.
    #[must_use]
    pub fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how long the server may take to accept the next octets of an upload, and to send the
    /// next of an answer.
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
