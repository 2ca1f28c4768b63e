//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::{Policy, Router, service::Manner};

/// Applies [`Router`].
#[derive(Debug, Clone)]
pub struct RouterLayer {
    policy: Arc<dyn Policy>,
    manner: Manner,
}

impl RouterLayer {
    /// Routes by a policy.
    pub fn new(policy: impl Policy) -> Self {
        Self {
            policy: Arc::new(policy),
            manner: Manner::default(),
        }
    }

    /// Leaves recipients that the policy does not know to later routers, which respect this router's
    /// decisions. The last one refuses recipients that none knows.
    #[must_use]
    pub fn passing_unknown(mut self) -> Self {
        self.manner.passes_unknown = true;
        self
    }

    /// Refuses recipients that stand for others, since there is no Exploder below that would make a part for
    /// each.
    #[must_use]
    pub fn without_exploder(mut self) -> Self {
        self.manner.has_no_exploder = true;
        self
    }

    /// Only reports what it would do, to show the effect of a change.
    #[must_use]
    pub fn dry(mut self) -> Self {
        self.manner.is_dry = true;
        self
    }
}

impl<S> Layer<S> for RouterLayer {
    type Service = Router<S>;

    fn layer(&self, inner: S) -> Router<S> {
        Router::new(inner, Arc::clone(&self.policy), self.manner)
    }
}
