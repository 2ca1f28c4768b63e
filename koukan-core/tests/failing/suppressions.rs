//! The part that keeps suppressed addresses.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use koukan_core::storage::{
    BackendError, SuppressionLists,
    record::{Suppression, SuppressionChange},
};

use super::{Failing, slowed};

#[async_trait]
impl SuppressionLists for Failing {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        self.suppressions.fetch_add(1, Ordering::Relaxed);
        slowed(&self.slow_suppressions).await;
        self.inner.change_suppression(change).await
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        self.inner.suppressions().await
    }
}
