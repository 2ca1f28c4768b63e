//! The part of the backend that keeps addresses to which nothing is sent.

use async_trait::async_trait;
use koukan_core::storage::{
    BackendError, SuppressionLists,
    record::{Suppression, SuppressionChange},
};

use super::{SqliteBackend, writer::Operation};

#[async_trait]
impl SuppressionLists for SqliteBackend {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        let change = self.0.writer.ask(0, change, Operation::ChangeSuppression);
        change.await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        self.0.reader.suppressions().await
    }
}
