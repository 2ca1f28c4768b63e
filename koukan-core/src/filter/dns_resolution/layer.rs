//! The layer.

use std::time::Duration;

use tower::Layer;

use crate::network::SharedResolver;

use super::ResolveDomains;

/// How long to wait for the DNS: at MAIL, and for all recipients together.
pub const TIME_MAX: Duration = Duration::from_secs(10);

/// Applies [`ResolveDomains`].
#[derive(Debug, Clone)]
pub struct DnsResolutionLayer {
    pub(super) resolver: SharedResolver,
    pub(super) time: Duration,
}

impl DnsResolutionLayer {
    /// A layer that asks this resolver.
    pub fn new(resolver: SharedResolver) -> Self {
        Self {
            resolver,
            time: TIME_MAX,
        }
    }

    /// Sets how long to wait for the DNS, instead of [`TIME_MAX`].
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

impl<S> Layer<S> for DnsResolutionLayer {
    type Service = ResolveDomains<S>;

    fn layer(&self, inner: S) -> ResolveDomains<S> {
        ResolveDomains::new(inner, self.clone())
    }
}
