use std::{
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::{
    network::Resolver, reply::Reply, service::MailService, transaction::Transaction,
};
use tower::Service;

use super::Dkim;
use crate::{
    dkim::Verifying,
    whole_message::{Finding, Settings},
};

/// Verifies signatures; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct DkimCheck<S> {
    inner: S,
    settings: Settings,
}

impl<S> DkimCheck<S> {
    pub(super) fn new(inner: S, settings: Settings) -> Self {
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
        self.inner.call(self.settings.find_out::<Verifying>(tx))
    }
}

impl Finding for Verifying {
    type Signal = Dkim;

    fn see(&mut self, octets: &[u8]) {
        self.update(octets);
    }

    async fn conclude(self, resolver: &dyn Resolver, now: u64, time: Duration) -> Dkim {
        Dkim::of(&self.finish().verify(resolver, now, time).await)
    }
}
