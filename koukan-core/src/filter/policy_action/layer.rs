//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::{Policy, PolicyRule};

/// Applies [`Policy`].
#[derive(Debug, Clone)]
pub struct PolicyLayer {
    rule: Arc<PolicyRule>,
}

impl PolicyLayer {
    /// Applies that rule.
    pub fn new(rule: PolicyRule) -> Self {
        Self {
            rule: Arc::new(rule),
        }
    }
}

impl<S> Layer<S> for PolicyLayer {
    type Service = Policy<S>;

    fn layer(&self, inner: S) -> Policy<S> {
        Policy::new(inner, Arc::clone(&self.rule))
    }
}
