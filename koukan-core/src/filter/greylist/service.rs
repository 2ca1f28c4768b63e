use std::task::{Context, Poll};

use tower::Service;

use crate::{
    reply::{Rejection, Reply},
    service::MailService,
    transaction::Transaction,
};

use super::Greylist;

/// Defers mail from unknown clients; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct GreylistService<S> {
    inner: S,
    list: Greylist,
}

impl<S> GreylistService<S> {
    pub(super) fn new(inner: S, list: Greylist) -> Self {
        Self { inner, list }
    }
}

impl<S: MailService> Service<Transaction> for GreylistService<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let client = match (&tx.context.identity, tx.context.remote_host) {
            (None, Some(client)) => client.ip(),
            (Some(_), _) | (None, None) => return self.inner.call(tx),
        };
        let list = self.list.clone();
        let from = tx.mail.reverse_path().clone();
        self.inner.call(tx.filter_recipients(move |rcpt| {
            match list.passes(client, from.as_str(), rcpt.forward_path.as_str()) {
                true => Ok(()),
                false => Err(Rejection::new(Reply::greylisted())),
            }
        }))
    }
}
