use std::task::{Context, Poll};

use koukan_core::{
    body::{Body, BodyError},
    reply::Reply,
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};
use tower::Service;

use super::{Dkim, DkimCheckLayer};
use crate::{dkim::Verifying, passing};

/// Verifies signatures; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct DkimCheck<S> {
    inner: S,
    settings: DkimCheckLayer,
}

impl<S> DkimCheck<S> {
    pub(super) fn new(inner: S, settings: DkimCheckLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for DkimCheck<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        if tx.signals.durable_json("dkim").is_some() {
            return self.inner.call(tx);
        }
        let settings = self.settings.clone();
        let signals = tx.signals.clone();
        self.inner
            .call(tx.map_body(|body| body.then(move |body| verify(body, settings, signals))))
    }
}

async fn verify(body: Body, settings: DkimCheckLayer, signals: Signals) -> Result<Body, BodyError> {
    let mut verifying = Verifying::default();
    let see = |octets: &[u8]| verifying.update(octets);
    let body = passing::read(body, &signals, &settings.blobs, see).await?;
    let passed = verifying.finish();
    let now = settings.clock.now().as_second().max(0).unsigned_abs();
    let verified = passed.verify(&*settings.resolver, now, settings.time).await;
    if let Err(error) = signals.set_durable(&Dkim::of(&verified)) {
        tracing::warn!(%error, "what became of signatures is not kept");
    }
    Ok(body)
}
