use std::{sync::Arc, time::Duration};

use koukan_core::{clock::SharedClock, network::SharedResolver};
use tower::Layer;

use super::SpfCheck;

/// For how long the DNS is waited for: RFC 7208 section 4.6.4 asks for at least 20 seconds.
pub const TIME_MAX: Duration = Duration::from_secs(20);

/// Applies [`SpfCheck`].
#[derive(Debug, Clone)]
pub struct SpfCheckLayer {
    pub(super) resolver: SharedResolver,
    pub(super) clock: SharedClock,
    pub(super) receiver: Arc<str>,
    pub(super) time: Duration,
}

impl SpfCheckLayer {
    /// A layer for an agent of that name, which asks that resolver.
    pub fn new(receiver: &str, resolver: SharedResolver, clock: SharedClock) -> Self {
        Self {
            resolver,
            clock,
            receiver: receiver.into(),
            time: TIME_MAX,
        }
    }

    /// Sets for how long the DNS is waited for, instead of [`TIME_MAX`].
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

impl<S> Layer<S> for SpfCheckLayer {
    type Service = SpfCheck<S>;

    fn layer(&self, inner: S) -> SpfCheck<S> {
        SpfCheck::new(inner, self.clone())
    }
}
