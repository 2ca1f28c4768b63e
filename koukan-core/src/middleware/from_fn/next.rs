use tower::{BoxError, Service};

use crate::{reply::Reply, service::BoxMailService, transaction::Transaction};

/// What stands behind a function: the rest of the chain.
#[derive(Debug, Clone)]
pub struct Next {
    inner: BoxMailService,
}

impl Next {
    pub(super) fn new(inner: BoxMailService) -> Self {
        Self { inner }
    }

    /// Hands the transaction on and returns the final reply.
    ///
    /// # Errors
    ///
    /// Whatever broke further on; pass it on with `?`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, everything further on is cancelled.
    pub async fn run(mut self, transaction: Transaction) -> Result<Reply, BoxError> {
        self.inner.call(transaction).await
    }
}
