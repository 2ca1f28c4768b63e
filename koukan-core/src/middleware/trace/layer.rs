use tower::Layer;

use crate::event::{Observers, Vantage};

use super::Trace;

/// Applies [`Trace`].
#[derive(Debug, Clone, Default)]
pub struct TraceLayer {
    observers: Observers,
    vantage: Vantage,
}

impl TraceLayer {
    /// Tells these observers what clients are told: it stands around all that an agent does.
    pub fn new(observers: Observers) -> Self {
        Self {
            observers,
            vantage: Vantage::Client,
        }
    }

    /// Tells them what destinations have said: it stands around an endpoint.
    #[must_use]
    pub fn at_destination(mut self) -> Self {
        self.vantage = Vantage::Destination;
        self
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, self.observers.clone(), self.vantage)
    }
}
