use std::{
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::{
    network::Resolver, reply::Reply, service::MailService, transaction::Transaction,
};
use tower::Service;

use super::Arc;
use crate::{
    arc::ArcVerifying,
    whole_message::{Finding, Settings},
};

/// Verifies chains; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct ArcCheck<S> {
    inner: S,
    settings: Settings,
}

impl<S> ArcCheck<S> {
    pub(super) fn new(inner: S, settings: Settings) -> Self {
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
        self.inner.call(self.settings.find_out::<ArcVerifying>(tx))
    }
}

impl Finding for ArcVerifying {
    type Signal = Arc;

    fn see(&mut self, octets: &[u8]) {
        self.update(octets);
    }

    async fn conclude(self, resolver: &dyn Resolver, now: u64, time: Duration) -> Arc {
        Arc::of(&self.finish().verify(resolver, now, time).await)
    }
}
