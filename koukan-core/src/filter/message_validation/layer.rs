use tower::Layer;

use crate::message::validation::MAX_DEPTH;

use super::MessageValidation;

/// Applies [`MessageValidation`].
#[derive(Debug, Clone, Copy)]
pub struct MessageValidationLayer {
    pub(super) max_depth: usize,
}

impl MessageValidationLayer {
    /// A layer that looks into [`MAX_DEPTH`] levels of nested multiparts and attached messages.
    pub fn new() -> Self {
        Self {
            max_depth: MAX_DEPTH,
        }
    }

    /// Sets how many nested levels are looked into, instead of [`MAX_DEPTH`].
    #[must_use]
    pub fn with_max_depth(mut self, depth: usize) -> Self {
        self.max_depth = depth;
        self
    }
}

impl Default for MessageValidationLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for MessageValidationLayer {
    type Service = MessageValidation<S>;

    fn layer(&self, inner: S) -> MessageValidation<S> {
        MessageValidation::new(inner, *self)
    }
}
