//! The type-erased layer.

use std::{fmt, sync::Arc};

use tower::Layer;

use super::{BoxMailService, MailService};

/// A layer whose type is forgotten: what a filter built from config is.
#[derive(Clone)]
pub struct BoxMailLayer(Arc<dyn Fn(BoxMailService) -> BoxMailService + Send + Sync>);

impl BoxMailLayer {
    /// Erases the type of `layer`.
    pub fn new<L>(layer: L) -> Self
    where
        L: Layer<BoxMailService, Service: MailService> + Send + Sync + 'static,
    {
        Self(Arc::new(move |inner| {
            BoxMailService::new(layer.layer(inner))
        }))
    }
}

impl<S: MailService> Layer<S> for BoxMailLayer {
    type Service = BoxMailService;

    fn layer(&self, inner: S) -> BoxMailService {
        (self.0)(BoxMailService::new(inner))
    }
}

impl fmt::Debug for BoxMailLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxMailLayer")
    }
}
