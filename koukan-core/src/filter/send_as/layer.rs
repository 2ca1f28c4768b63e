use std::sync::Arc;

use tower::Layer;

use super::{SendAs, SendAsService};

/// Applies [`SendAsService`].
#[derive(Debug, Clone)]
pub struct SendAsLayer {
    rules: Arc<SendAs>,
}

impl SendAsLayer {
    /// A layer that applies these rules.
    pub fn new(rules: SendAs) -> Self {
        Self {
            rules: Arc::new(rules),
        }
    }
}

impl<S> Layer<S> for SendAsLayer {
    type Service = SendAsService<S>;

    fn layer(&self, inner: S) -> SendAsService<S> {
        SendAsService::new(inner, Arc::clone(&self.rules))
    }
}
