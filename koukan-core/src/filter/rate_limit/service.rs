use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use tower::Service;

use crate::{
    reply::{Rejection, Reply},
    service::MailService,
    transaction::Transaction,
};

use super::{Limit, limit::take};

/// Defers what exceeds a rate; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct RateLimit<S> {
    inner: S,
    limits: Arc<[Limit]>,
}

impl<S> RateLimit<S> {
    pub(super) fn new(inner: S, limits: Arc<[Limit]>) -> Self {
        Self { inner, limits }
    }
}

impl<S: MailService> Service<Transaction> for RateLimit<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = Either<Ready<Result<Reply, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let mail = tx.mail.request();
        if !take(&self.limits, &tx.context, mail, None) {
            return Either::Left(ready(Ok(Reply::over_limit())));
        }
        if !self.limits.iter().any(Limit::counts_recipients) {
            return Either::Right(self.inner.call(tx));
        }
        let limits = Arc::clone(&self.limits);
        let (context, mail) = (Arc::clone(&tx.context), mail.clone());
        let tx =
            tx.filter_recipients(
                move |rcpt| match take(&limits, &context, &mail, Some(rcpt)) {
                    true => Ok(()),
                    false => Err(Rejection::new(Reply::over_limit())),
                },
            );
        Either::Right(self.inner.call(tx))
    }
}
