//! Removes what is no longer needed.

use std::time::Duration;

use tokio::time::sleep;

use crate::causes::Causes;

use super::{Removed, Retention, Storage};

/// How long to wait between two collections.
const INTERVAL: Duration = Duration::from_secs(60);

impl Storage {
    /// Removes what is no longer needed once a minute, for ever. Whoever works on the queue should run this.
    /// A failure is logged, and the next round tries again.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time, and started again.
    pub async fn collect_garbage(&self, retention: Retention) {
        loop {
            sleep(INTERVAL).await;
            loop {
                let now = self.clock().now();
                match self.backend().collect_garbage(now, retention).await {
                    Ok(collected) if collected == Removed::default() => break,
                    Ok(collected) => tracing::debug!(?collected, "collected garbage"),
                    Err(error) => {
                        tracing::warn!(error = %Causes(&error), "could not collect garbage");
                        break;
                    }
                }
            }
        }
    }
}
