//! The type-erased layer.

use std::{fmt, sync::Arc};

use tower::Layer;

use super::{BoxMailService, MailService};

/// A type-erased layer: the form of a filter that is built from configuration.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     filter::tls_required::TlsRequiredLayer,
///     middleware::{ChargeLayer, TraceLayer},
///     blob::{BlobPool, Limits},
///     service::{BoxMailLayer, BoxMailService},
///     test_util::{Script, mail, rcpt, send},
/// };
/// use tower::Layer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let pool = BlobPool::in_memory(Limits::default());
/// let chain = [
///     BoxMailLayer::new(TraceLayer::default()),
///     BoxMailLayer::new(ChargeLayer::new(pool)),
///     BoxMailLayer::new(TlsRequiredLayer::new()),
/// ];
/// let endpoint = BoxMailService::new(Script::new());
/// let service = chain.iter().rev().fold(endpoint, |inner, layer| layer.layer(inner));
/// let outcome = send(service, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
/// assert!(outcome.message.unwrap().is_positive());
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
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
