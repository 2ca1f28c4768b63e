use std::sync::Arc;

use tower::Layer;

use super::{Limit, RateLimit};

/// Applies [`RateLimit`]. All services made by it share the counters.
#[derive(Debug, Clone)]
pub struct RateLimitLayer(Arc<[Limit]>);

impl RateLimitLayer {
    /// A layer with these limits, all of which apply.
    pub fn new(limits: impl IntoIterator<Item = Limit>) -> Self {
        Self(limits.into_iter().collect())
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit::new(inner, Arc::clone(&self.0))
    }
}
