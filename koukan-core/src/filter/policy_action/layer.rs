//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::{PolicyRule, PolicyService};

/// Applies [`PolicyService`].
#[derive(Debug, Clone)]
pub struct PolicyLayer {
    rule: Arc<PolicyRule>,
}

impl PolicyLayer {
    /// A layer that applies this rule.
    pub fn new(rule: PolicyRule) -> Self {
        Self {
            rule: Arc::new(rule),
        }
    }
}

impl<S> Layer<S> for PolicyLayer {
    type Service = PolicyService<S>;

    fn layer(&self, inner: S) -> PolicyService<S> {
        PolicyService::new(inner, Arc::clone(&self.rule))
    }
}
