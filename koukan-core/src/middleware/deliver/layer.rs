use tower::Layer;

use super::Deliver;

/// Applies [`Deliver`] to a [`MailService`](crate::service::MailService).
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use koukan_core::{
///     blob::Blob,
///     middleware::{DeliverLayer, DeliverRequest},
///     reply::Reply,
///     test_util::{Script, context, mail, rcpt},
/// };
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// // A limit on whole deliveries, with their messages.
/// let service = ServiceBuilder::new()
///     .timeout(Duration::from_secs(60))
///     .layer(DeliverLayer)
///     .service(Script::new());
/// let message = Blob::from_bytes("\r\nhello\r\n".into());
/// let request = DeliverRequest::new(context(), mail("a@x"), message).to(rcpt("b@y"));
/// let outcome = service.oneshot(request).await?;
/// assert_eq!(outcome.verdict(0), &Reply::message_accepted());
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliverLayer;

impl<S> Layer<S> for DeliverLayer {
    type Service = Deliver<S>;

    fn layer(&self, inner: S) -> Deliver<S> {
        Deliver::new(inner)
    }
}
