use std::task::{Context, Poll};

use tower::Service;

use crate::{
    event::Observers, reply::Reply, service::MailService, signals::TraceId,
    transaction::Transaction,
};

use super::{TraceFuture, body::Octets, current::Following, record::Record};

/// Reports each transaction to observers; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct Trace<S> {
    inner: S,
    observers: Observers,
}

impl<S> Trace<S> {
    /// Wraps a service.
    pub fn new(inner: S, observers: Observers) -> Self {
        Self { inner, observers }
    }
}

impl<S: MailService> Service<Transaction> for Trace<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> Self::Future {
        let id = TraceId::of(&tx.signals);
        let following = Following::new(id);
        let is_observed = self.observers.follow_transactions();
        let record = is_observed.then(|| {
            let observers = self.observers.clone();
            Record::start(id, following.clone(), &tx, observers)
        });
        if let Some(record) = &record {
            let (mail, rcpt) = (record.clone(), record.clone());
            tx = tx
                .map_mail(|command| command.map_reply(move |reply| mail.mail_reply(reply)))
                .map_recipients(|recipients| recipients.map(move |command| rcpt.rcpt(command)))
                .map_body(|body| body.observe(Octets::new(record.clone())));
        }
        let call = following.in_scope(|| self.inner.call(tx));
        TraceFuture::new(call, following, record)
    }
}
