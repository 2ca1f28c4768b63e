use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use koukan_core::{
    context, path::ReversePath, reply::Reply, service::MailService, transaction::Transaction,
};
use tower::Service;

use super::{Identity, Spf, SpfCheckLayer};
use crate::{
    domain::ascii_domain,
    spf::{Question, SpfResult, check_host},
};

/// Asks SPF; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct SpfCheck<S> {
    inner: S,
    settings: SpfCheckLayer,
}

impl<S> SpfCheck<S> {
    pub(super) fn new(inner: S, settings: SpfCheckLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for SpfCheck<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let next = self.inner.clone();
        // Keeps the clone for later, and calls the one that is ready.
        let mut inner = mem::replace(&mut self.inner, next);
        let settings = self.settings.clone();
        Box::pin(async move {
            if tx.signals.durable_json("spf").is_none() {
                let path = &tx.mail.request().reverse_path;
                let found = settings.ask(&tx.context, path).await;
                if let Err(error) = tx.signals.set_durable(&found) {
                    tracing::warn!(%error, "the result of SPF could not be stored as a signal");
                }
            }
            inner.call(tx).await
        })
    }
}

impl SpfCheckLayer {
    async fn ask(&self, context: &context::Context, path: &ReversePath) -> Spf {
        let helo = context.client_name.as_ref();
        let helo = helo.map_or("", |client| &client.name);
        let (local, domain, identity) = match path.mailbox() {
            Some(mailbox) => {
                let local = mailbox.unquoted_local_part().into_owned();
                (local, mailbox.domain_text(), Identity::MailFrom)
            }
            None => (String::new(), helo, Identity::Helo),
        };
        // An address literal has no record.
        let domain = ascii_domain(domain).unwrap_or_default();
        let mut found = Spf {
            result: SpfResult::None.to_string(),
            domain,
            identity,
            explanation: None,
        };
        let Some(client) = context.remote_host else {
            return found;
        };
        let question = Question {
            client: client.ip(),
            local: &local,
            domain: &found.domain,
            helo,
            receiver: &self.receiver,
            now: self.clock.now().as_second(),
        };
        let answer = check_host(&question, &*self.resolver, self.time).await;
        found.result = answer.result.to_string();
        found.explanation = answer.explanation;
        found
    }
}
