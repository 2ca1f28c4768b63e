//! The type-erased service.

use std::{
    any::Any,
    fmt,
    future::{Ready, poll_fn},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_core::future::BoxFuture;
use futures_util::{TryFutureExt, future::Either};
use tower::{BoxError, Service};

use crate::{
    reply::Reply,
    transaction::{Direct, MailService, Transaction},
};

/// A type-erased [`MailService`]. Cloning it is O(1).
///
/// It is always ready: the call waits for the readiness of the inner service. So limits and load
/// shedding, which act by readiness, belong outside of it.
#[derive(Clone)]
pub struct BoxMailService(Arc<dyn Erased>);

trait Erased: Send + Sync {
    fn call(&self, transaction: Transaction) -> BoxFuture<'static, Result<Reply, BoxError>>;

    /// The direct way to take transactions without a call, if there is one.
    fn direct(&self) -> Option<&dyn Direct> {
        None
    }
}

/// A service with its direct way.
struct WithDirect<S, D> {
    service: S,
    direct: D,
}

impl BoxMailService {
    /// Erases the type of `service`. A service that is erased already is returned unchanged.
    pub fn new<S: MailService>(service: S) -> Self {
        // Filters are added one by one, and each box costs an allocation per call.
        match (&service as &dyn Any).downcast_ref::<Self>() {
            Some(erased) => erased.clone(),
            None => Self(Arc::new(service)),
        }
    }

    /// Erases the type of a service that also takes transactions without a call.
    pub(crate) fn with_direct(service: impl MailService, direct: impl Direct + 'static) -> Self {
        Self(Arc::new(WithDirect { service, direct }))
    }

    /// The direct way to take transactions without a call, if there is one.
    pub(crate) fn direct(&self) -> Option<&dyn Direct> {
        self.0.direct()
    }
}

impl<S: MailService, D: Direct> Erased for WithDirect<S, D> {
    fn call(&self, transaction: Transaction) -> BoxFuture<'static, Result<Reply, BoxError>> {
        Erased::call(&self.service, transaction)
    }

    fn direct(&self) -> Option<&dyn Direct> {
        Some(&self.direct)
    }
}

impl<S: MailService> Erased for S {
    fn call(&self, transaction: Transaction) -> BoxFuture<'static, Result<Reply, BoxError>> {
        let mut service = self.clone();
        // Nearly all services are ready at once.
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(Ok(())) = service.poll_ready(&mut cx) {
            return boxed(Service::call(&mut service, transaction));
        }
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            Service::call(&mut service, transaction)
                .await
                .map_err(Into::into)
        })
    }
}

/// A call in a box.
type Boxed = BoxFuture<'static, Result<Reply, BoxError>>;

/// Boxes a call, unless it is boxed already, as the calls of many services are. Filters that refuse at MAIL or
/// pass on return either kind.
fn boxed<F, E>(call: F) -> Boxed
where
    F: Future<Output = Result<Reply, E>> + Send + 'static,
    E: Into<BoxError>,
{
    type Passed = Either<Ready<Result<Reply, BoxError>>, Boxed>;
    let mut call = Some(call);
    let any: &mut dyn Any = &mut call;
    if let Some(boxed) = any.downcast_mut::<Option<Boxed>>().and_then(Option::take) {
        return boxed;
    }
    match any.downcast_mut::<Option<Passed>>().and_then(Option::take) {
        Some(Either::Right(boxed)) => return boxed,
        Some(refused @ Either::Left(_)) => return Box::pin(refused),
        None => {}
    }
    let call = call.expect("it is taken where it is one of these only");
    Box::pin(call.err_into())
}

impl Service<Transaction> for BoxMailService {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        self.0.call(transaction)
    }
}

impl fmt::Debug for BoxMailService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxMailService")
    }
}

#[cfg(test)]
mod tests {
    use tower::{Layer, layer::layer_fn, service_fn};

    use crate::service::BoxMailLayer;

    use super::*;

    #[test]
    fn what_is_erased_is_not_erased_again() {
        let service = service_fn(|_: Transaction| async { Ok::<_, BoxError>(Reply::ok()) });
        let erased = BoxMailService::new(service);
        let again = BoxMailService::new(erased.clone());
        assert!(Arc::ptr_eq(&erased.0, &again.0));
        // A chain then has one box for each filter, and one for the rest.
        let nothing = BoxMailLayer::new(layer_fn(|inner: BoxMailService| inner));
        assert!(Arc::ptr_eq(&nothing.layer(erased.clone()).0, &erased.0));
    }
}
