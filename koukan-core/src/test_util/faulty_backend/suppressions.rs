//! The part that keeps suppressed addresses.

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
        // Asked once when the agent begins; if it fails the agent does not begin.
        self.behind(|| self.inner.suppressions()).await
    }
}
