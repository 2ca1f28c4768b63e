use tower::{BoxError, Service};

use crate::{reply::Reply, service::BoxMailService, transaction::Transaction};

/// The rest of the chain after a function.
#[derive(Debug, Clone)]
pub struct Next {
    inner: BoxMailService,
}

impl Next {
    pub(super) fn new(inner: BoxMailService) -> Self {
        Self { inner }
    }

    /// Passes the transaction on, and returns the final reply.
    ///
    /// # Errors
    ///
    /// Any failure upstream; pass it on with `?`.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, everything upstream is cancelled.
    pub async fn run(mut self, transaction: Transaction) -> Result<Reply, BoxError> {
        self.inner.call(transaction).await
    }
}
