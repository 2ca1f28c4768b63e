use std::sync::Arc;

use tower::Layer;

use crate::message::header_edit::HeaderEdit;

use super::ChangeHeader;

/// Applies [`ChangeHeader`].
#[derive(Debug, Clone)]
pub struct ChangeHeaderLayer {
    edit: Arc<HeaderEdit>,
}

impl ChangeHeaderLayer {
    /// A layer that applies this edit.
    pub fn new(edit: HeaderEdit) -> Self {
        Self {
            edit: Arc::new(edit),
        }
    }
}

impl<S> Layer<S> for ChangeHeaderLayer {
    type Service = ChangeHeader<S>;

    fn layer(&self, inner: S) -> ChangeHeader<S> {
        ChangeHeader::new(inner, Arc::clone(&self.edit))
    }
}
