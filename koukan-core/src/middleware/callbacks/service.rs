use std::{
    any::type_name,
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    body::Body,
    reply::Reply,
    service::MailService,
    transaction::{Command, Rcpt, Transaction},
};

use super::{Callbacks, Phase, body::Watched};

/// Callbacks in front of a service.
#[derive(Clone)]
pub struct CallbackService<F, S> {
    start: F,
    inner: S,
}

impl<F, S> CallbackService<F, S> {
    pub(super) fn new(start: F, inner: S) -> Self {
        Self { start, inner }
    }
}

impl<F, C, S> Service<Transaction> for CallbackService<F, S>
where
    F: Fn(&Transaction) -> C,
    C: Callbacks,
    S: MailService,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let inner = self.inner.clone();
        // The service that was ready is called; its clone may not be ready.
        let inner = mem::replace(&mut self.inner, inner);
        let callbacks = Arc::new((self.start)(&transaction));
        Box::pin(run(callbacks, transaction, inner))
    }
}

async fn run<C: Callbacks, S: MailService>(
    callbacks: Arc<C>,
    mut tx: Transaction,
    mut inner: S,
) -> Result<Reply, BoxError> {
    if let Err(rejection) = callbacks.mail(tx.mail.request_mut()).await {
        return Ok(rejection.into_reply());
    }
    let (own, mail) = (Arc::clone(&callbacks), tx.mail.request().clone());
    tx.mail = tx
        .mail
        .map_reply(move |reply| own.reply(Phase::Mail(&mail), reply));
    let own = Arc::clone(&callbacks);
    tx.recipients = tx
        .recipients
        .then(move |rcpt| check(Arc::clone(&own), rcpt));
    if callbacks.sees_body() {
        let own = Arc::clone(&callbacks);
        tx = tx.map_body(|body| Body::from_stream(Watched::new(body, own)));
    }
    let reply = inner.call(tx).await.map_err(Into::into)?;
    Ok(callbacks.reply(Phase::Message, reply))
}

async fn check<C: Callbacks>(callbacks: Arc<C>, mut rcpt: Command<Rcpt>) -> Option<Command<Rcpt>> {
    if let Err(rejection) = callbacks.rcpt(rcpt.request_mut()).await {
        rcpt.answer(rejection.into_reply());
        return None;
    }
    let request = rcpt.request().clone();
    Some(rcpt.map_reply(move |reply| callbacks.reply(Phase::Rcpt(&request), reply)))
}

impl<F, S: fmt::Debug> fmt::Debug for CallbackService<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackService")
            .field("start", &type_name::<F>())
            .field("inner", &self.inner)
            .finish()
    }
}
