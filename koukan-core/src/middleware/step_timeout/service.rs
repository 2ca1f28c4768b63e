use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll, ready},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{clock::Alarm, reply::Reply, service::MailService, transaction::Transaction};

use super::{
    StepTimeouts,
    body::BodyWatch,
    recipients::Feed,
    state::{Overdue, Steps},
};

/// Bounds how long the service it holds may take over each step; see the
/// [module documentation](super).
#[derive(Debug, Clone)]
pub struct StepTimeout<S> {
    inner: S,
    timeouts: StepTimeouts,
}

impl<S> StepTimeout<S> {
    /// Wraps a service.
    pub fn new(inner: S, timeouts: StepTimeouts) -> Self {
        Self { inner, timeouts }
    }
}

impl<S: MailService> Service<Transaction> for StepTimeout<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut tx: Transaction) -> Self::Future {
        let steps = Steps::start(self.timeouts, tx.mail.watch());
        let (feed, recipients) = Feed::new(tx.recipients, steps.clone());
        tx.recipients = recipients;
        tx.body = tx.body.observe(BodyWatch::new(steps.clone()));
        let call = self.inner.call(tx);
        Box::pin(run(call, feed, steps))
    }
}

async fn run<E: Into<BoxError>>(
    call: impl Future<Output = Result<Reply, E>>,
    mut feed: Feed,
    steps: Steps,
) -> Result<Reply, BoxError> {
    let mut call = pin!(call);
    let mut timer = Alarm::default();
    poll_fn(|cx| {
        feed.poll(cx);
        if let Poll::Ready(reply) = call.as_mut().poll(cx) {
            return Poll::Ready(reply.map_err(Into::into));
        }
        while let Some(deadline) = steps.next_deadline(cx) {
            ready!(timer.poll(cx, deadline));
            if let Err(Overdue) = steps.expire() {
                return Poll::Ready(Ok(Reply::elapsed()));
            }
        }
        Poll::Pending
    })
    .await
}
