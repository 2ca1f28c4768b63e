//! A layer around every chain for recipients to whom nothing is sent.

use std::{
    fmt,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::{
    reply::Reply,
    service::{BoxMailService, MailService},
    storage::Storage,
    transaction::Transaction,
};

use super::{suppressed, suspended};

/// Refuses recipients whose destinations are [suspended](Storage::suspend), or whose addresses are
/// [suppressed](Storage::suppress) for the sender, before anything connects. It is for chains whose
/// transactions are not attempts from a storage; an [`OutputHandler`](super::OutputHandler) does the same
/// for its own chains.
///
/// | reply | to | when |
/// |---|---|---|
/// | [`Reply::destination_suspended`] | RCPT, or the transaction where the client names its host | the destination is suspended |
/// | 550 5.1.1 with the date and the reason | RCPT | the address is suppressed |
#[derive(Debug, Clone)]
pub struct TurnAwayLayer {
    storage: Storage,
}

/// See [`TurnAwayLayer`].
#[derive(Clone)]
pub struct TurnAway {
    storage: Storage,
    chain: BoxMailService,
}

impl TurnAwayLayer {
    /// Refuses recipients that are suspended or suppressed in this storage.
    pub fn new(storage: Storage) -> Self {
        Self { storage }
    }
}

impl<S: MailService> Layer<S> for TurnAwayLayer {
    type Service = TurnAway;

    fn layer(&self, chain: S) -> TurnAway {
        TurnAway {
            storage: self.storage.clone(),
            chain: BoxMailService::new(chain),
        }
    }
}

impl Service<Transaction> for TurnAway {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let chain = around(&self.storage, &tx.context.sender.name, self.chain.clone());
        Box::pin(chain.oneshot(tx))
    }
}

impl fmt::Debug for TurnAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnAway").finish_non_exhaustive()
    }
}

/// The chain without those recipients of a sender's transaction to whom nothing is sent.
pub(super) fn around(storage: &Storage, sender: &str, chain: BoxMailService) -> BoxMailService {
    suspended::around(storage, suppressed::around(storage, sender, chain))
}
