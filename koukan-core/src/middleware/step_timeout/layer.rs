use tower::Layer;

use super::{StepTimeout, StepTimeouts};

/// Applies [`StepTimeout`].
#[derive(Debug, Clone, Copy, Default)]
pub struct StepTimeoutLayer {
    timeouts: StepTimeouts,
}

impl StepTimeoutLayer {
    /// A layer with these timeouts.
    pub fn new(timeouts: StepTimeouts) -> Self {
        Self { timeouts }
    }
}

impl<S> Layer<S> for StepTimeoutLayer {
    type Service = StepTimeout<S>;

    fn layer(&self, inner: S) -> StepTimeout<S> {
        StepTimeout::new(inner, self.timeouts)
    }
}
