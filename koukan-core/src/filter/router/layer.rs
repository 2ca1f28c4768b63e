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

    /// Leaves recipients that the policy does not know to routers after this one, which leave alone what is
    /// decided here. The last of them refuses what none has known.
    #[must_use]
    pub fn passing_unknown(mut self) -> Self {
        self.manner.passes_unknown = true;
        self
    }

    /// Refuses recipients that stand for others: there is no Exploder below, which would make a part for each of
    /// these.
    #[must_use]
    pub fn without_exploder(mut self) -> Self {
        self.manner.has_no_exploder = true;
        self
    }

    /// Says what would be done, and does nothing: to see what a change would bring.
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
