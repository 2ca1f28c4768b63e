//! The way into a chain.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service, ServiceExt};

use crate::{
    context::Sender,
    reply::Reply,
    resource::{PassageOf, What},
    service::{BoxMailService, rescued},
    signals::Signals,
    transaction::Transaction,
};

use super::{Explainer, recorder::Here};

/// A chain that notes what passes through it.
#[derive(Debug, Clone)]
pub struct Entry {
    service: BoxMailService,
    explainer: Explainer,
    chain: Arc<str>,
    filters: Arc<[Box<str>]>,
    /// What filters would ask, by their positions.
    unasked: Arc<[(usize, Box<str>)]>,
}

impl Entry {
    /// The chain `chain`, with filters of these names. `service` has a
    /// [`ProbeLayer`](super::ProbeLayer) above each filter and below the last one.
    pub fn new(
        explainer: Explainer,
        chain: &str,
        filters: impl IntoIterator<Item = Box<str>>,
        service: BoxMailService,
    ) -> Self {
        Self {
            service,
            explainer,
            chain: chain.into(),
            filters: filters.into_iter().collect(),
            unasked: Arc::default(),
        }
    }

    /// Filters that were left out since they would ask somebody: their positions, from 0 on, and what
    /// each would ask.
    #[must_use]
    pub fn with_unasked(mut self, unasked: impl IntoIterator<Item = (usize, Box<str>)>) -> Self {
        self.unasked = unasked.into_iter().collect();
        self
    }

    /// The chain's name.
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// Passes a transaction through, on behalf of the sender in its context.
    pub(super) async fn pass(self, of: PassageOf, tx: Transaction) -> Result<Reply, BoxError> {
        let sender: Sender = tx.context.sender.clone();
        let reverse_path = tx.mail.request().reverse_path.clone();
        let here = self.explainer.begin(
            of,
            (sender, &self.chain, &self.filters),
            reverse_path.as_str(),
            &Signals::default(),
        );
        // A transaction passes one chain.
        let _ = tx.signals.set(Here(here));
        for (filter, what) in &*self.unasked {
            let what = What::WouldAsk(what.clone());
            self.explainer.note(here, Some(*filter), what);
        }
        let signals = tx.signals.clone();
        // A failure ends here, as it does below every client.
        let reply = self.service.oneshot(tx).await.unwrap_or_else(rescued);
        self.explainer.end(here, &reply, &signals);
        Ok(reply)
    }
}

/// The message as the client sends it.
impl Service<Transaction> for Entry {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        Box::pin(self.clone().pass(PassageOf::Client, tx))
    }
}
