use std::time::Duration;

use koukan_core::{blob::BlobPool, clock::SharedClock, network::SharedResolver};
use tower::Layer;

use super::ArcCheck;
use crate::whole_message::Settings;

/// Applies [`ArcCheck`].
#[derive(Debug, Clone)]
pub struct ArcCheckLayer(Settings);

impl ArcCheckLayer {
    /// A layer that asks this resolver for keys.
    pub fn new(resolver: SharedResolver, clock: SharedClock) -> Self {
        Self(Settings::new(resolver, clock))
    }

    /// Uses this pool for the blobs of messages that have no account to be charged to.
    #[must_use]
    pub fn with_blobs(mut self, blobs: BlobPool) -> Self {
        self.0.blobs = blobs;
        self
    }

    /// Sets how long to wait for the DNS, instead of [`TIME_MAX`](crate::dkim_check::TIME_MAX).
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.0.time = time;
        self
    }
}

impl<S> Layer<S> for ArcCheckLayer {
    type Service = ArcCheck<S>;

    fn layer(&self, inner: S) -> ArcCheck<S> {
        ArcCheck::new(inner, self.0.clone())
    }
}
