use std::task::{Context, Poll};

use tower::Service;
use tracing::{Level, Span};

use crate::{reply::Reply, service::MailService, signals::TraceId, transaction::Transaction};

use super::{TARGET, TraceFuture, body::Octets, record::Record};

/// Emits one log event for each transaction; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct Trace<S> {
    inner: S,
}

impl<S> Trace<S> {
    /// Wraps a service.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: MailService> Service<Transaction> for Trace<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        if !tracing::enabled!(target: TARGET, Level::INFO) {
            return TraceFuture::new(self.inner.call(tx), Span::none(), None);
        }
        let id = TraceId::of(&tx.signals);
        let span = tracing::info_span!(target: TARGET, "transaction", %id);
        let record = Record::start(id, span.clone(), &tx);
        let (mail, rcpt) = (record.clone(), record.clone());
        let tx = tx
            .map_mail(|command| command.map_reply(move |reply| mail.mail_reply(reply)))
            .map_recipients(|recipients| recipients.map(move |command| rcpt.rcpt(command)))
            .map_body(|body| body.observe(Octets::new(record.clone())));
        let call = span.in_scope(|| self.inner.call(tx));
        TraceFuture::new(call, span, Some(record))
    }
}
