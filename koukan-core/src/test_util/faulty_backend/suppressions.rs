//! The part that keeps addresses to which nothing is sent.

use async_trait::async_trait;

use crate::storage::{
    BackendError, SuppressionLists,
    record::{Suppression, SuppressionChange},
};

use super::FaultyBackend;

#[async_trait]
impl SuppressionLists for FaultyBackend {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        self.write(|| self.inner.change_suppression(change)).await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        // Asked once, when the agent begins: one that cannot begin does not.
        self.behind(|| self.inner.suppressions()).await
    }
}
