//! The type-erased service.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    reply::Reply,
    transaction::{MailService, Transaction},
};

/// A [`MailService`] whose type is forgotten; cloning it is O(1).
///
/// It is always ready: readiness of what it holds is waited for within the call. So limits and
/// load shedding, which act by readiness, belong outside of it.
#[derive(Clone)]
pub struct BoxMailService(Arc<dyn Erased>);

trait Erased: Send + Sync {
    fn call(&self, transaction: Transaction) -> BoxFuture<'static, Result<Reply, BoxError>>;
}

impl BoxMailService {
    /// Erases the type of `service`.
    pub fn new<S: MailService>(service: S) -> Self {
        Self(Arc::new(service))
    }
}

impl<S: MailService> Erased for S {
    fn call(&self, transaction: Transaction) -> BoxFuture<'static, Result<Reply, BoxError>> {
        let mut service = self.clone();
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
