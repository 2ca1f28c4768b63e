//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::{Policy, Router};

/// Applies [`Router`].
#[derive(Debug, Clone)]
pub struct RouterLayer {
    policy: Arc<dyn Policy>,
}

impl RouterLayer {
    /// Routes by a policy.
    pub fn new(policy: impl Policy) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }
}

impl<S> Layer<S> for RouterLayer {
    type Service = Router<S>;

    fn layer(&self, inner: S) -> Router<S> {
        Router::new(inner, Arc::clone(&self.policy))
    }
}
