//! What a server allows.

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
    /// What locations begin with, as in `https://mail.example.com`; `None` for `http` or `https` and the host
    /// that the client names, or, where that is not known to be this server, the address that is
    /// listened on.
    pub base_url: Option<String>,
    /// The address that is listened on, where it is known.
    pub bound: Option<SocketAddr>,
    /// Names and addresses of this server, beside those of the loopback interface, the address that
    /// is listened on, and the host of `base_url`.
    pub hosts: Vec<String>,
    /// The largest JSON document, in octets; messages that come inline are part of it.
    pub max_json: usize,
    /// Octets of all JSON documents that are being read at the same time; what is beyond is answered
    /// with 503. One client may have seven eighths of them.
    pub json_budget: u64,
    /// Values of one JSON document, at most: members of objects, elements of lists.
    pub max_json_values: usize,
    /// The largest message, and the largest part, in octets.
    pub max_message_size: u64,
    /// The longest that a request is held back for a change.
    pub max_wait: Duration,
    /// How long a JSON document may take to come.
    pub json_timeout: Duration,
    /// How long an upload may go on without a new octet.
    pub upload_idle_timeout: Duration,
    /// Requests at the same time, those that wait for a change included.
    pub max_requests: usize,
    /// Origins, as in `https://app.example.com`, whose scripts may use the API; none by default.
    pub cors_origins: Vec<String>,
    /// Whether every caller's word on SMTP sessions is taken, where there is no authentication.
    pub is_trusted: bool,
    /// Whether clients reach this server by `https`.
    pub is_https: bool,
}

impl Default for ServerSettings {
    /// 2 MiB of JSON with 50,000 values, 128 MiB of it in all, messages of 50 MiB, 10,000 requests; waits and JSON within 30 seconds,
    /// uploads that stall no longer than 60.
    fn default() -> Self {
        Self {
            base_url: None,
            bound: None,
            hosts: Vec::new(),
            max_json: 2 << 20,
            max_json_values: VALUES_MAX,
            json_budget: 128 << 20,
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
    /// Lets locations begin with this URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Tells the address that is listened on.
    #[must_use]
    pub fn with_bound(mut self, bound: SocketAddr) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Sets by which other names this server is known.
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

    /// Sets the longest that a request is held back.
    #[must_use]
    pub fn with_max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Sets how long a JSON document may take to come.
    #[must_use]
    pub fn with_json_timeout(mut self, timeout: Duration) -> Self {
        self.json_timeout = timeout;
        self
    }

    /// Sets how long an upload may go on without a new octet.
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

    /// Tells locations with `https`, or with `http`, where they do not begin with another URL.
    #[must_use]
    pub fn with_https(mut self, is_https: bool) -> Self {
        self.is_https = is_https;
        self
    }

    /// Takes every caller's word on SMTP sessions where there is no authentication, or does not.
    #[must_use]
    pub fn with_trust(mut self, is_trusted: bool) -> Self {
        self.is_trusted = is_trusted;
        self
    }
}
