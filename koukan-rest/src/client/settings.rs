//! How a client connects.

use std::{fmt, time::Duration};

use bytes::Bytes;

/// How a [`Client`](super::Client) connects, and whom it trusts.
#[derive(Clone)]
pub struct ClientSettings {
    pub(super) token: Option<Box<str>>,
    pub(super) ca: Option<Bytes>,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) http2: bool,
}

impl Default for ClientSettings {
    /// Ten seconds to connect, thirty for an answer beyond what was asked for as a wait; idle
    /// connections are kept for a minute.
    fn default() -> Self {
        Self {
            token: None,
            ca: None,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            http2: false,
        }
    }
}

impl ClientSettings {
    /// Shows a bearer token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Trusts these certificates, in PEM, in place of the system's.
    #[must_use]
    pub fn with_ca(mut self, pem: impl Into<Bytes>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// Sets how long to wait for a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait for an answer, beyond what is asked for as a wait.
    #[must_use]
    pub fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Speaks h2 to servers without TLS, which must be known to do so.
    #[must_use]
    pub fn with_http2(mut self, http2: bool) -> Self {
        self.http2 = http2;
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
