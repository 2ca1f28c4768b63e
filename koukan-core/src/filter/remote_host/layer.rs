//! The layer.

use std::time::Duration;

use tower::Layer;

use crate::network::SharedResolver;

use super::FindRemoteHost;

/// How long to wait for the DNS.
pub const TIME_MAX: Duration = Duration::from_secs(10);

/// Applies [`FindRemoteHost`].
#[derive(Debug, Clone)]
pub struct RemoteHostLayer {
    pub(super) resolver: SharedResolver,
    pub(super) time: Duration,
}

impl RemoteHostLayer {
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

impl<S> Layer<S> for RemoteHostLayer {
    type Service = FindRemoteHost<S>;

    fn layer(&self, inner: S) -> FindRemoteHost<S> {
        FindRemoteHost::new(inner, self.clone())
    }
}
