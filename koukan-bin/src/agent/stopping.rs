//! An agent that is stopped in good order whoever waits for that.

use std::{future::pending, panic::resume_unwind};

use koukan_core::supervision::GivenUp;
use tokio::{runtime::Handle, task::JoinHandle};

use super::Running;

/// An agent that runs until it is told to stop, or this is dropped.
pub(super) struct StopsWhenDropped {
    /// Until it was told to stop.
    running: Option<Running>,
    runtime: Handle,
}

impl StopsWhenDropped {
    /// Has it stop at the end. Must be called within a tokio runtime.
    pub(super) fn new(running: Running) -> Self {
        Self {
            running: Some(running),
            runtime: Handle::current(),
        }
    }

    /// As [`Running::lost`].
    pub(super) async fn lost(&self) -> GivenUp {
        match &self.running {
            Some(running) => running.lost().await,
            None => pending().await,
        }
    }

    /// Stops it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the agent goes on stopping.
    pub(super) async fn stop(mut self) {
        let Some(stopping) = self.begin() else {
            return;
        };
        if let Err(error) = stopping.await
            && let Ok(panic) = error.try_into_panic()
        {
            resume_unwind(panic);
        }
    }

    /// Has it stop in a task of its own.
    fn begin(&mut self) -> Option<JoinHandle<()>> {
        let running = self.running.take()?;
        tracing::info!("stopping");
        Some(self.runtime.spawn(running.stop()))
    }
}

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        drop(self.begin());
    }
}
