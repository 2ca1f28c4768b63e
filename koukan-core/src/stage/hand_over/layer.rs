use std::sync::Arc;

use tower::Layer;

use crate::stage::output_handler::Chains;

use super::HandOver;

/// Applies [`HandOver`].
#[derive(Clone)]
pub struct HandOverLayer(Arc<dyn Chains>);

impl HandOverLayer {
    /// Hands transactions over to these chains. Their retry policies do not matter here: the agent that holds the
    /// transaction retries.
    pub fn new(chains: impl Chains) -> Self {
        Self(Arc::new(chains))
    }
}

impl<S> Layer<S> for HandOverLayer {
    type Service = HandOver<S>;

    fn layer(&self, inner: S) -> HandOver<S> {
        HandOver::new(inner, Arc::clone(&self.0))
    }
}

impl std::fmt::Debug for HandOverLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HandOverLayer")
    }
}
