//! The service.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    reply::Reply, resource::ResourceService, signals::Departure, transaction::Transaction,
};

use super::{RestEndpointSettings, delivery::Delivery};

/// Delivers every transaction through a [`ResourceService`]. The [module documentation](super)
/// describes how, and which replies its refusals become.
///
/// If the signal [`Destination`](crate::signals::Destination) is set, upstream is told its first
/// host (`remote_host`). The next ones are tried in turn while the create fails or MAIL gets a
/// transient reply.
///
/// # Errors
///
/// [`BodyError`](crate::body::BodyError) and [`Aborted`](crate::transaction::Aborted), if the
/// message or the recipients do not end cleanly; upstream has not seen the end of the message then.
/// Everything else is a reply.
///
/// # Cancel safety
///
/// Dropping the call's future cancels the transaction upstream, in a task of its own, unless it has
/// ended or was accepted.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     reply::Reply,
///     resource::{Refusal, RefusalKind, ResourceRequest, ResourceResponse},
///     stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
///     test_util::{mail, rcpt, send},
/// };
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let closed = tower::service_fn(|_: ResourceRequest| async {
///     let refusal = Refusal::new(RefusalKind::Forbidden, "not for you");
///     Ok::<_, tower::BoxError>(ResourceResponse::Refused(refusal))
/// });
/// let endpoint = RestEndpoint::new(closed, RestEndpointSettings::default());
/// let outcome = send(endpoint, mail("alice@x"), [rcpt("bob@y")], "\r\nhello\r\n").await;
/// assert_eq!(outcome.mail, Reply::misconfigured());
/// # });
/// ```
#[derive(Clone)]
pub struct RestEndpoint<R> {
    resource: R,
    settings: Arc<RestEndpointSettings>,
}

impl<R: ResourceService> RestEndpoint<R> {
    /// An endpoint over a resource service.
    pub fn new(resource: R, settings: RestEndpointSettings) -> Self {
        Self {
            resource,
            settings: Arc::new(settings),
        }
    }
}

impl<R: ResourceService> Service<Transaction> for RestEndpoint<R> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each request waits until the resource service is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut transaction: Transaction) -> Self::Future {
        // Copies of a message were already combined by a `Sharing`: none has to wait for this one.
        drop(transaction.body.take_token());
        let resource = self.resource.clone();
        // The message may be taken long before upstream is given it.
        let departure = transaction.signals.departure().cloned();
        let holding = departure.as_ref().map(Departure::hold);
        let delivery = Delivery::new(resource, Arc::clone(&self.settings), transaction, departure);
        Box::pin(async move {
            let result = delivery.run().await;
            drop(holding);
            result
        })
    }
}

impl<R> fmt::Debug for RestEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestEndpoint")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
