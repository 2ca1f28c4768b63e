//! What a failure becomes for the client.

use std::{
    error::Error,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Layer, Service};

use crate::{
    causes::Causes,
    reply::{Rejection, Reply},
    transaction::{Aborted, Transaction},
};

use super::MailService;

/// Maps failures (`Err`) to replies, in one place.
///
/// | in the error's source chain | reply |
/// |---|---|
/// | [`Rejection`] | its reply |
/// | tower's or tokio's `Elapsed` | [`Reply::elapsed`] |
/// | tower's `Overloaded` | [`Reply::overloaded`] |
/// | anything else | [`Reply::local_error`] |
///
/// The driver does this for every call. As a layer ([`RescueLayer`]) it turns failures into
/// replies further up in a chain, so that filters below it see replies only.
#[derive(Debug, Clone)]
pub struct Rescue<S> {
    inner: S,
}

/// Applies [`Rescue`].
#[derive(Debug, Clone, Copy, Default)]
pub struct RescueLayer;

impl Rescue<()> {
    /// The reply for a failure, which is logged unless it is a verdict.
    pub fn reply(error: &BoxError) -> Reply {
        let error: &(dyn Error + 'static) = &**error;
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(reply) = reply_for(error) {
                return reply;
            }
            cause = error.source();
        }
        tracing::error!(error = %Causes(error), "a stage failed");
        Reply::local_error()
    }
}

fn reply_for(error: &(dyn Error + 'static)) -> Option<Reply> {
    if let Some(rejection) = error.downcast_ref::<Rejection>() {
        return Some(rejection.reply().clone());
    }
    if error.is::<tower::timeout::error::Elapsed>() || error.is::<tokio::time::error::Elapsed>() {
        return Some(Reply::elapsed());
    }
    if error.is::<tower::load_shed::error::Overloaded>() {
        return Some(Reply::overloaded());
    }
    // Nobody is there to read the reply.
    error.is::<Aborted>().then(Reply::local_error)
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
        Box::pin(async move {
            Ok(call
                .await
                .unwrap_or_else(|error| Rescue::reply(&error.into())))
        })
    }
}
