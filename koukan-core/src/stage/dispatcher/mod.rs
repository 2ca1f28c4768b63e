//! Leases what is due, and has it attempted: the [`Dispatcher`].

use std::{fmt, future::Future, time::Duration};

use tokio::task::JoinSet;
use tower::{BoxError, Service, ServiceExt};

use crate::storage::{BackendError, Lease, Storage};

/// How long a failed look at the queue is waited for.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Takes due transactions under lease and calls an output service with each.
///
/// `output` is an [`OutputHandler`](super::output_handler::OutputHandler) under whatever limits
/// tower offers; a lease is only taken when there is room for it.
#[derive(Clone)]
pub struct Dispatcher<O> {
    storage: Storage,
    output: O,
    max_in_flight: usize,
}

impl<O> Dispatcher<O>
where
    O: Service<Lease, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    /// A dispatcher that works on at most `max_in_flight` transactions at a time.
    pub fn new(storage: Storage, output: O, max_in_flight: usize) -> Self {
        Self {
            storage,
            output,
            max_in_flight: max_in_flight.max(1),
        }
    }

    /// Dispatches until `shutdown` is ready, then lets attempts under way end.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends attempts under way and gives their leases back.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut attempts = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                result = self.dispatch(&mut attempts) => {
                    if let Err(error) = result {
                        tracing::error!(%error, "could not look for due transactions");
                        tokio::time::sleep(BACK_OFF).await;
                    }
                }
            }
        }
        while attempts.join_next().await.is_some() {}
    }

    /// Starts what is due and fits, or waits until something is due or ends.
    async fn dispatch(&self, attempts: &mut JoinSet<()>) -> Result<(), BackendError> {
        while attempts.try_join_next().is_some() {}
        let room = self.max_in_flight - attempts.len();
        // Leases are taken many at a time: a look at the queue for each attempt that ends would
        // cost more than the attempt.
        if room < self.max_in_flight.div_ceil(4) {
            attempts.join_next().await;
            return Ok(());
        }
        let leases = self.storage.lease_due(room).await?;
        if leases.is_empty() {
            return self.storage.wait_due().await;
        }
        for lease in leases {
            let output = self.output.clone();
            attempts.spawn(async move {
                let id = lease.id();
                if let Err(error) = output.oneshot(lease).await {
                    let error = error.into();
                    tracing::error!(%id, %error, "an attempt could not be made");
                }
            });
        }
        Ok(())
    }
}

impl<O> fmt::Debug for Dispatcher<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}
