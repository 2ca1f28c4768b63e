use std::task::{Context, Poll};

use koukan_core::{
    body::{Body, BodyError},
    reply::Reply,
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};
use tower::Service;

use super::{Arc, ArcCheckLayer};
use crate::{arc::ArcVerifying, passing};

/// Verifies chains; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct ArcCheck<S> {
    inner: S,
    settings: ArcCheckLayer,
}

impl<S> ArcCheck<S> {
    pub(super) fn new(inner: S, settings: ArcCheckLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for ArcCheck<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        if tx.signals.durable_json("arc").is_some() {
            return self.inner.call(tx);
        }
        let settings = self.settings.clone();
        let signals = tx.signals.clone();
        self.inner
            .call(tx.map_body(|body| body.then(move |body| verify(body, settings, signals))))
    }
}

async fn verify(body: Body, settings: ArcCheckLayer, signals: Signals) -> Result<Body, BodyError> {
    let mut verifying = ArcVerifying::default();
    let see = |octets: &[u8]| verifying.update(octets);
    let body = passing::read(body, &signals, &settings.blobs, see).await?;
    let passed = verifying.finish();
    let now = settings.clock.now().as_second().max(0).unsigned_abs();
    let verified = passed.verify(&*settings.resolver, now, settings.time).await;
    if let Err(error) = signals.set_durable(&Arc::of(&verified)) {
        tracing::warn!(%error, "what became of a chain is not kept");
    }
    Ok(body)
}
