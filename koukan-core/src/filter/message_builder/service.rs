use std::task::{Context, Poll};

use bytes::Bytes;
use tower::Service;

use crate::{
    body::Body,
    reply::{Rejection, Reply},
    service::MailService,
    transaction::Transaction,
};

/// Renders messages; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct MessageBuilder<S> {
    inner: S,
    max_size: Option<u64>,
}

impl<S> MessageBuilder<S> {
    pub(super) fn new(inner: S, max_size: Option<u64>) -> Self {
        Self { inner, max_size }
    }
}

impl<S: MailService> Service<Transaction> for MessageBuilder<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let max_size = self.max_size.unwrap_or(u64::MAX);
        self.inner.call(tx.map_body(|body| {
            body.then(move |body| async move {
                Ok(match body.is_composition() {
                    true => rendered(body, max_size),
                    false => body,
                })
            })
        }))
    }
}

/// The octets of a message. The result is no longer recognised as a composition.
fn rendered(body: Body, max_size: u64) -> Body {
    let mut left = max_size;
    body.map(move |chunk: Bytes| {
        left = left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| Rejection::new(Reply::message_too_big()))?;
        Ok::<_, Rejection>(chunk)
    })
}
