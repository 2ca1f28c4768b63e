//! Removing what is no longer of use.

use std::time::Duration;

use tokio::time::sleep;

use crate::causes::Causes;

use super::{Removed, Retention, Storage};

/// How long to wait between two collections.
const INTERVAL: Duration = Duration::from_secs(60);

impl Storage {
    /// Removes what is no longer of use, once a minute, for ever: whoever works on the queue does it as well.
    /// What fails is logged, and done the next time.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time, and begun anew.
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
