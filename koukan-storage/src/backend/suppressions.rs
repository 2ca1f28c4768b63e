//! The part of the backend that keeps suppressed addresses.

use async_trait::async_trait;
use koukan_core::storage::{
    BackendError, SuppressionLists,
    record::{Suppression, SuppressionChange},
};

use crate::{
    backend::{Database, DatabaseBackend},
    writer::Operation,
};

#[async_trait]
impl<D: Database> SuppressionLists for DatabaseBackend<D> {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        let change = self.0.writer.ask(0, change, Operation::ChangeSuppression);
        change.await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        self.0.reader.suppressions().await
    }
}
