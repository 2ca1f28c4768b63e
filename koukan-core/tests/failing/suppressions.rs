//! The part that keeps addresses to which nothing is sent.

use async_trait::async_trait;
use koukan_core::storage::{
    BackendError, SuppressionLists,
    record::{Suppression, SuppressionChange},
};

use super::Failing;

#[async_trait]
impl SuppressionLists for Failing {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        self.inner.change_suppression(change).await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        self.inner.suppressions().await
    }
}
