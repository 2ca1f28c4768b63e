use tower::Layer;

use crate::event::Observers;

use super::Trace;

/// Applies [`Trace`].
#[derive(Debug, Clone, Default)]
pub struct TraceLayer {
    observers: Observers,
}

impl TraceLayer {
    /// Reports to these observers. The layer stands outside of everything that an agent does.
    pub fn new(observers: Observers) -> Self {
        Self { observers }
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace::new(inner, self.observers.clone())
    }
}
