//! Retry policies of single destinations.

use std::sync::Arc;

use super::RetryPolicy;

/// Says how often and for how long mail for a domain is tried, where that is not as the chain says.
///
/// Asked at each attempt, so that a change applies to mail that is queued already. Implemented for
/// functions of the right shape.
pub trait RetryRules: Send + Sync + 'static {
    /// The policy for that domain, of a chain with the policy `general`.
    fn retry(&self, domain: &str, general: RetryPolicy) -> RetryPolicy;
}

impl<F> RetryRules for F
where
    F: Fn(&str, RetryPolicy) -> RetryPolicy + Send + Sync + 'static,
{
    fn retry(&self, domain: &str, general: RetryPolicy) -> RetryPolicy {
        self(domain, general)
    }
}

/// Rules, if there are any.
pub(super) type SharedRules = Option<Arc<dyn RetryRules>>;
