use std::task::{Context, Poll};

use tower::Service;

use crate::{
    blob::{BlobPool, Payer},
    reply::Reply,
    service::MailService,
    transaction::Transaction,
};

/// Charges transactions to their clients; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct ChargeService<S> {
    inner: S,
    pool: BlobPool,
}

impl<S> ChargeService<S> {
    pub(super) fn new(inner: S, pool: BlobPool) -> Self {
        Self { inner, pool }
    }
}

impl<S: MailService> Service<Transaction> for ChargeService<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let payer = || Payer::Client(tx.context.client());
        tx.signals.account_or(|| self.pool.account(payer()));
        self.inner.call(tx)
    }
}
