//! The settings of a server.

use std::{net::SocketAddr, time::Duration};

use crate::schema::json::VALUES_MAX;

/// Limits and times of a [`Server`](super::Server).
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use koukan_rest::server::ServerSettings;
///
/// let settings = ServerSettings::default()
///     .with_base_url("https://mail.example.com")
///     .with_max_wait(Duration::from_secs(60));
/// assert_eq!(settings.max_json, 2 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerSettings {
    /// The prefix of absolute locations, for example `https://mail.example.com`. With `None`, it is
    /// `http` or `https` and the host that the client names; or, if that host is not known to be
    /// this server, the address that the server listens on.
    pub base_url: Option<String>,
    /// The address that the server listens on, if known.
    pub bound: Option<SocketAddr>,
    /// Further names and addresses of this server. Those of the loopback interface, the address
    /// that the server listens on, and the host of `base_url` need not be listed.
    pub hosts: Vec<String>,
    /// The largest JSON document, in octets; inline messages are part of it.
    pub max_json: usize,
    /// The most octets of all JSON documents that are being read at the same time; beyond that the
    /// answer is 503. One client may have seven eighths of them.
    pub json_budget: u64,
    /// The most octets of all responses that are being sent at the same time, but for small ones; beyond
    /// that the answer is 503. One client may have seven eighths of them.
    pub answers_budget: u64,
    /// The most values in one JSON document: members of objects and elements of lists.
    pub max_json_values: usize,
    /// The largest message, and the largest part, in octets.
    pub max_message_size: u64,
    /// The longest time for which a response is held back until something changes.
    pub max_wait: Duration,
    /// How long a JSON document may take to arrive.
    pub json_timeout: Duration,
    /// How long an upload may pause.
    pub upload_idle_timeout: Duration,
    /// The most requests at the same time, including those that wait for a change, and those whose
    /// response is being sent.
    pub max_requests: usize,
    /// Origins whose scripts may use the API, for example `https://app.example.com`; none by default.
    pub cors_origins: Vec<String>,
    /// Whether every caller is believed about SMTP sessions, if there is no authentication.
    pub is_trusted: bool,
    /// Whether clients reach this server by `https`.
    pub is_https: bool,
}

impl Default for ServerSettings {
    /// 2 MiB for a JSON document with 50,000 values, 128 MiB for all of them and as much for responses,
    /// 50 MiB for a message, 10,000 requests; 30 seconds for waits and for JSON, 60 seconds for a pause in an upload.
    fn default() -> Self {
        Self {
            base_url: None,
            bound: None,
            hosts: Vec::new(),
            max_json: 2 << 20,
            max_json_values: VALUES_MAX,
            json_budget: 128 << 20,
            answers_budget: 128 << 20,
            max_message_size: 50 << 20,
            max_wait: Duration::from_secs(30),
            json_timeout: Duration::from_secs(30),
            upload_idle_timeout: Duration::from_secs(60),
            max_requests: 10_000,
            cors_origins: Vec::new(),
            is_trusted: false,
            is_https: false,
        }
    }
}

impl ServerSettings {
    /// Sets the URL with which locations begin.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Sets the address that the server listens on.
    #[must_use]
    pub fn with_bound(mut self, bound: SocketAddr) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Sets further names of this server.
    #[must_use]
    pub fn with_hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.hosts = hosts.into_iter().collect();
        self
    }

    /// Sets the largest JSON document, in octets.
    #[must_use]
    pub fn with_max_json(mut self, octets: usize) -> Self {
        self.max_json = octets;
        self
    }

    /// Sets how many octets of JSON are read at the same time.
    #[must_use]
    pub fn with_json_budget(mut self, octets: u64) -> Self {
        self.json_budget = octets;
        self
    }

    /// Sets how many octets of responses are sent at the same time.
    #[must_use]
    pub fn with_answers_budget(mut self, octets: u64) -> Self {
        self.answers_budget = octets;
        self
    }

    /// Sets how many values a JSON document may have.
    #[must_use]
    pub fn with_max_json_values(mut self, values: usize) -> Self {
        self.max_json_values = values;
        self
    }

    /// Sets the largest message, in octets.
    #[must_use]
    pub fn with_max_message_size(mut self, octets: u64) -> Self {
        self.max_message_size = octets;
        self
    }

    /// Sets the longest time for which a response is held back.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Sets how long a JSON document may take to arrive.
    #[must_use]
    pub fn with_json_timeout(mut self, timeout: Duration) -> Self {
        self.json_timeout = timeout;
        self
    }

    /// Sets how long an upload may pause.
    #[must_use]
    pub fn with_upload_idle_timeout(mut self, timeout: Duration) -> Self {
        self.upload_idle_timeout = timeout;
        self
    }

    /// Sets how many requests there may be at the same time.
    #[must_use]
    pub fn with_max_requests(mut self, max: usize) -> Self {
        self.max_requests = max;
        self
    }

    /// Lets scripts of these origins use the API.
    #[must_use]
    pub fn with_cors_origins(mut self, origins: impl IntoIterator<Item = String>) -> Self {
        self.cors_origins = origins.into_iter().collect();
        self
    }

    /// Sets whether locations begin with `https` rather than `http`, if there is no base URL.
    #[must_use]
    pub fn with_https(mut self, is_https: bool) -> Self {
        self.is_https = is_https;
        self
    }

    /// Sets whether every caller is believed about SMTP sessions, if there is no authentication.
    #[must_use]
    pub fn with_trust(mut self, is_trusted: bool) -> Self {
        self.is_trusted = is_trusted;
        self
    }
}
