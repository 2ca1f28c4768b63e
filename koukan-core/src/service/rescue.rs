//! Turns failures into replies.

use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use tower::{BoxError, Layer, Service};

use crate::{
    reply::Reply,
    transaction::{MailService, Transaction, rescue},
};

/// Maps failures (`Err`) to replies, in one place.
///
/// | in the error's source chain | reply |
/// |---|---|
/// | [`Rejection`](crate::reply::Rejection) | its reply |
/// | tower's or tokio's `Elapsed` | [`Reply::elapsed`] |
/// | tower's `Overloaded` | [`Reply::overloaded`] |
/// | anything else | [`Reply::local_error`] |
///
/// The driver does this for every call. As a layer ([`RescueLayer`]) it does so further up in a
/// chain, so that filters above it see replies only.
#[derive(Debug, Clone)]
pub struct Rescue<S> {
    inner: S,
}

/// Applies [`Rescue`].
///
/// # Example
///
/// ```
/// use koukan_core::{
///     reply::Reply,
///     service::RescueLayer,
///     test_util::{mail, rcpt, send},
///     transaction::Transaction,
/// };
/// use tower::{BoxError, Layer, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let fails = service_fn(|_: Transaction| async { Err::<Reply, BoxError>("the disk is full".into()) });
/// let outcome = send(RescueLayer.layer(fails), mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
/// assert_eq!(outcome.mail, Reply::local_error());
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RescueLayer;

/// The reply for a failure, by the table of [`Rescue`], for services that are not a
/// [`MailService`]. A failure that is not a verdict is logged.
pub fn rescued(error: impl Into<BoxError>) -> Reply {
    rescue(&error.into())
}

impl<S> Layer<S> for RescueLayer {
    type Service = Rescue<S>;

    fn layer(&self, inner: S) -> Rescue<S> {
        Rescue { inner }
    }
}

impl<S: MailService> Service<Transaction> for Rescue<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let call = self.inner.call(transaction);
        Box::pin(async move { Ok(call.await.unwrap_or_else(|error| rescue(&error.into()))) })
    }
}
