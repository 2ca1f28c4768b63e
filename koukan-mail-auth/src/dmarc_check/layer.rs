use std::time::Duration;

use koukan_core::network::SharedResolver;
use tower::Layer;

use super::DmarcCheck;

/// How long to wait for the DNS.
pub const TIME_MAX: Duration = Duration::from_secs(20);

/// Applies [`DmarcCheck`].
#[derive(Debug, Clone)]
pub struct DmarcCheckLayer {
    pub(super) resolver: SharedResolver,
    pub(super) time: Duration,
}

impl DmarcCheckLayer {
    /// A layer that asks this resolver for policies.
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

impl<S> Layer<S> for DmarcCheckLayer {
    type Service = DmarcCheck<S>;

    fn layer(&self, inner: S) -> DmarcCheck<S> {
        DmarcCheck::new(inner, self.clone())
    }
}
