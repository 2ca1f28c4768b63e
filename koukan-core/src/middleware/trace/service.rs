use std::task::{Context, Poll};

use tower::Service;
use tracing::{Level, Span};

use crate::{
    event::{Observers, Vantage},
    reply::Reply,
    service::MailService,
    signals::TraceId,
    transaction::Transaction,
};

use super::{TARGET, TraceFuture, body::Octets, record::Record};

/// Tells observers of each transaction; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct Trace<S> {
    inner: S,
    observers: Observers,
    vantage: Vantage,
}

impl<S> Trace<S> {
    /// Wraps a service.
    pub fn new(inner: S, observers: Observers, vantage: Vantage) -> Self {
        Self {
            inner,
            observers,
            vantage,
        }
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
        let has_span = tracing::enabled!(target: TARGET, Level::INFO);
        let is_observed = self.observers.follow_transactions();
        if !has_span && !is_observed {
            return TraceFuture::new(self.inner.call(tx), Span::none(), None);
        }
        let id = TraceId::of(&tx.signals);
        let span = tracing::info_span!(target: TARGET, "transaction", %id);
        if !is_observed {
            let call = span.in_scope(|| self.inner.call(tx));
            return TraceFuture::new(call, span, None);
        }
        let observers = self.observers.clone();
        let record = Record::start(id, span.clone(), &tx, observers, self.vantage);
        let (mail, rcpt) = (record.clone(), record.clone());
        let tx = tx
            .map_mail(|command| command.map_reply(move |reply| mail.mail_reply(reply)))
            .map_recipients(|recipients| recipients.map(move |command| rcpt.rcpt(command)))
            .map_body(|body| body.observe(Octets::new(record.clone())));
        let call = span.in_scope(|| self.inner.call(tx));
        TraceFuture::new(call, span, Some(record))
    }
}
