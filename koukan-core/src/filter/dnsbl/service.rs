use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::join_all;
use tokio::time::timeout;
use tower::Service;

use crate::{
    context, path::ReversePath, reply::Reply, service::MailService, signals::DurableSignal,
    transaction::Transaction,
};

use super::{Dnsbl, DnsblLayer, Listed, zone::Answer};

/// Looks clients up in DNS lists; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct DnsblService<S> {
    inner: S,
    settings: DnsblLayer,
}

impl<S> DnsblService<S> {
    pub(super) fn new(inner: S, settings: DnsblLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for DnsblService<S> {
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
        if tx.context.identity.is_some() || tx.signals.durable_json(Dnsbl::NAME).is_some() {
            return Box::pin(inner.call(tx));
        }
        let settings = self.settings.clone();
        Box::pin(async move {
            let found = settings.ask(&tx.context, tx.mail.reverse_path()).await;
            if let Err(error) = tx.signals.set_durable(&found) {
                tracing::warn!(%error, "the DNSBL results for a client could not be stored");
            }
            match settings.refused_from {
                Some(score) if found.score >= score && !found.lists.is_empty() => {
                    Ok(Reply::listed())
                }
                _ => inner.call(tx).await,
            }
        })
    }
}

impl DnsblLayer {
    async fn ask(&self, context: &context::Context, path: &ReversePath) -> Dnsbl {
        let asked = self.zones.iter().filter_map(|zone| {
            let question = zone.question(context, path)?;
            Some(async move {
                let answer = zone.ask(&*self.resolver, &question);
                let answer = timeout(self.time, answer).await;
                (zone, answer.unwrap_or(Answer::Unknown))
            })
        });
        let mut found = Dnsbl::default();
        for (zone, answer) in join_all(asked).await {
            let list = zone.name().to_owned();
            match answer {
                Answer::NotListed => {}
                Answer::Unknown => found.unknown.push(list),
                Answer::Listed(code) => {
                    let code = code.to_string();
                    found.score += i64::from(zone.weight());
                    found.lists.push(Listed { list, code });
                }
            }
        }
        found
    }
}
