use tower::Layer;

use super::Deliver;

/// Applies [`Deliver`] to a [`MailService`](crate::service::MailService).
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliverLayer;

impl<S> Layer<S> for DeliverLayer {
    type Service = Deliver<S>;

    fn layer(&self, inner: S) -> Deliver<S> {
        Deliver::new(inner)
    }
}
