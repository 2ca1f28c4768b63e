use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use tower::Service;

use crate::{
    blob::Account,
    body::{Body, BodyError},
    context,
    message::header_section::HeaderSection,
    path::ReversePath,
    reply::{Rejection, Reply},
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};

use super::{SendAs, check::Verdict};

/// Checks who sends as whom; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct SendAsService<S> {
    inner: S,
    rules: Arc<SendAs>,
}

impl<S> SendAsService<S> {
    pub(super) fn new(inner: S, rules: Arc<SendAs>) -> Self {
        Self { inner, rules }
    }
}

impl<S: MailService> Service<Transaction> for SendAsService<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = Either<Ready<Result<Reply, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> Self::Future {
        let identity = tx.context.identity.as_deref();
        if let Err(reply) = self.rules.mail(identity, tx.mail.reverse_path()) {
            return Either::Left(ready(Ok(reply)));
        }
        if !self.rules.looks_at_header() {
            return Either::Right(self.inner.call(tx));
        }
        let growth = self.rules.growth(tx.mail.reverse_path());
        tx.mail.request_mut().parameters.grow_size(growth);
        let message = Message {
            rules: Arc::clone(&self.rules),
            context: Arc::clone(&tx.context),
            reverse_path: tx.mail.reverse_path().clone(),
            signals: tx.signals.clone(),
        };
        let tx = tx.map_body(|body| body.then(|body| message.look(body)));
        Either::Right(self.inner.call(tx))
    }
}

/// What is known of a message when its octets arrive.
struct Message {
    rules: Arc<SendAs>,
    context: Arc<context::Context>,
    reverse_path: ReversePath,
    signals: Signals,
}

impl Message {
    async fn look(self, body: Body) -> Result<Body, BodyError> {
        let mut held = self.signals.account().map(Account::hold);
        let (body, octets) = body.with_header_section(held.as_mut()).await?;
        let identity = self.context.identity.as_deref();
        let header = HeaderSection::parse(octets.clone());
        match self.rules.message(identity, &self.reverse_path, &header) {
            Verdict::Passes => Ok(body),
            Verdict::Refused(reply) => Err(Rejection::new(reply).into()),
            Verdict::Rewritten(edit) => {
                let edited = edit.apply(&octets);
                Ok(body.with_start_replaced(octets.len() as u64, edited))
            }
        }
    }
}
