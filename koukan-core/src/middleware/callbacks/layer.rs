use std::{any::type_name, fmt};

use tower::Layer;

use crate::transaction::Transaction;

use super::{CallbackService, Callbacks};

/// Makes a layer from a function that makes the [`Callbacks`] of each transaction.
pub fn callbacks<F, C>(start: F) -> CallbackLayer<F>
where
    F: Fn(&Transaction) -> C + Clone + Send + Sync + 'static,
    C: Callbacks,
{
    CallbackLayer { start }
}

/// Puts callbacks in front of a service; made by [`callbacks`].
#[derive(Clone, Copy)]
pub struct CallbackLayer<F> {
    start: F,
}

impl<F: Clone, S> Layer<S> for CallbackLayer<F> {
    type Service = CallbackService<F, S>;

    fn layer(&self, inner: S) -> Self::Service {
        CallbackService::new(self.start.clone(), inner)
    }
}

impl<F> fmt::Debug for CallbackLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallbackLayer")
            .field(&type_name::<F>())
            .finish()
    }
}
