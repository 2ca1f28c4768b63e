//! What happens upstream when a call ends early.

use std::future::Future;

use tokio::runtime::Handle;

use crate::resource::{Location, Operation, ResourceService};

use super::ask_repeatedly;

/// Cancels the transaction upstream when it is dropped, unless it was told not to.
pub(in super::super) struct CancelOnDrop<R: ResourceService> {
    resource: R,
    transaction: Option<Location>,
}

impl<R: ResourceService> CancelOnDrop<R> {
    pub(in super::super) fn new(resource: R, transaction: Location) -> Self {
        Self {
            resource,
            transaction: Some(transaction),
        }
    }

    /// The transaction has ended, or upstream is responsible for it now.
    pub(in super::super) fn disarm(&mut self) {
        self.transaction = None;
    }
}

impl<R: ResourceService> Drop for CancelOnDrop<R> {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            spawn(cancel(self.resource.clone(), transaction));
        }
    }
}

/// Continues after the call was dropped; without a runtime there is nothing to run it.
pub(in super::super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(task));
    }
}

/// Cancels a transaction, trying a few times.
pub(in super::super) async fn cancel<R: ResourceService>(resource: R, transaction: Location) {
    let operation = || Operation::Cancel(transaction.clone());
    if let Err(failure) = ask_repeatedly(&resource, 3, operation).await {
        tracing::debug!(%transaction, error = %failure, "could not cancel upstream");
    }
}
