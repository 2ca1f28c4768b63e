use std::task::{Context, Poll};

use koukan_core::{
    body::{Body, BodyError},
    reply::Reply,
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};
use tower::Service;

use super::{Dmarc, DmarcCheckLayer};
use crate::{
    author::author_domains,
    dkim::Section,
    dkim_check::Dkim,
    dmarc::{Identifiers, evaluate_all},
    passing,
    spf_check::Spf,
};

/// Asks DMARC; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct DmarcCheck<S> {
    inner: S,
    settings: DmarcCheckLayer,
}

impl<S> DmarcCheck<S> {
    pub(super) fn new(inner: S, settings: DmarcCheckLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for DmarcCheck<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        if tx.signals.durable_json("dmarc").is_some() {
            return self.inner.call(tx);
        }
        let settings = self.settings.clone();
        let signals = tx.signals.clone();
        self.inner
            .call(tx.map_body(|body| body.then(move |body| check(body, settings, signals))))
    }
}

async fn check(body: Body, settings: DmarcCheckLayer, signals: Signals) -> Result<Body, BodyError> {
    let mut section = Section::default();
    let body = passing::read_start(body, |octets| {
        section.take(octets);
        section.is_complete()
    });
    let body = body.await?;
    let authors = author_domains(section.octets().unwrap_or_default());
    let identifiers = identifiers(&signals);
    let (resolver, time) = (&*settings.resolver, settings.time);
    let (domain, answer) = evaluate_all(&authors, &identifiers, resolver, time).await;
    let found = Dmarc {
        result: answer.result.as_str().to_owned(),
        policy: answer.policy.to_string(),
        domain: domain.to_owned(),
        spf: answer.by_spf,
        dkim: answer.by_dkim,
    };
    if let Err(error) = signals.set_durable(&found) {
        tracing::warn!(%error, "the result of DMARC could not be stored as a signal");
    }
    Ok(body)
}

/// The results of SPF and DKIM. A result that cannot be read counts as none.
fn identifiers(signals: &Signals) -> Identifiers {
    let spf: Option<Spf> = signals.find_durable().ok().flatten();
    let dkim: Option<Dkim> = signals.find_durable().ok().flatten();
    let by_spf = |result: &str| {
        let spf = spf.as_ref().filter(|spf| spf.result == result);
        spf.map(|spf| spf.domain.clone())
    };
    let by_dkim = |result: &str| {
        let signatures = dkim.iter().flat_map(|dkim| &dkim.signatures);
        let found = signatures.filter(|signature| signature.result == result);
        found.map(|signature| signature.domain.clone()).collect()
    };
    Identifiers {
        spf: by_spf("pass"),
        dkim: by_dkim("pass"),
        unknown_spf: by_spf("temperror"),
        unknown_dkim: by_dkim("temperror"),
    }
}
