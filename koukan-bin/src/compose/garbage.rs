//! Removing what is no longer of use.

use std::time::Duration;

use koukan_core::causes::Causes;
use koukan_core::storage::{Collected, Retention, Storage};
use tokio::time::sleep;

/// How long to wait between two collections.
const INTERVAL: Duration = Duration::from_secs(60);

/// Collects garbage for ever.
pub(crate) async fn collect_garbage(storage: Storage, retention: Retention) {
    loop {
        sleep(INTERVAL).await;
        loop {
            let now = storage.clock().now();
            match storage.backend().collect_garbage(now, retention).await {
                Ok(collected) if collected == Collected::default() => break,
                Ok(collected) => tracing::debug!(?collected, "collected garbage"),
                Err(error) => {
                    tracing::warn!(error = %Causes(&error), "could not collect garbage");
                    break;
                }
            }
        }
    }
}
