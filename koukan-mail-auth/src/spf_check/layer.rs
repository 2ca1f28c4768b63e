use std::{sync::Arc, time::Duration};

use koukan_core::{clock::SharedClock, network::SharedResolver};
use tower::Layer;

use super::SpfCheck;

/// How long to wait for the DNS; RFC 7208 section 4.6.4 asks for at least 20 seconds.
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
    /// A layer that asks this resolver. `receiver` is the name of this agent.
    pub fn new(receiver: &str, resolver: SharedResolver, clock: SharedClock) -> Self {
        Self {
            resolver,
            clock,
            receiver: receiver.into(),
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

impl<S> Layer<S> for SpfCheckLayer {
    type Service = SpfCheck<S>;

    fn layer(&self, inner: S) -> SpfCheck<S> {
        SpfCheck::new(inner, self.clone())
    }
}
