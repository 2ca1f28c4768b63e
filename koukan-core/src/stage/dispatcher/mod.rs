//! Leases what is due, and has it attempted: the [`Dispatcher`].

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{BoxError, Service, ServiceExt};

use crate::{
    causes::Causes,
    repeats::Repeats,
    storage::{BackendError, Lease, Storage},
};

/// How long a failed look at the queue is waited for.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How long attempts may go on before the queue is looked at for the little room that is left.
const LINGER: Duration = Duration::from_millis(100);
/// How long a transaction that may have crashed the process is attempted alone: what crashes does
/// so soon, and what hangs is not to hold up the others.
const ALONE: Duration = Duration::from_secs(10);
/// For how long failures to look are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_LOOKED: Repeats = Repeats::new(INTERVAL, |looks, interval| {
    let seconds = interval.as_secs();
    tracing::error!(looks, seconds, "could still not look for due transactions");
});

/// Takes due transactions under lease and calls an output service with each.
///
/// `output` is an [`OutputHandler`](super::output_handler::OutputHandler); a lease is only taken
/// when there is room for it.
#[derive(Clone)]
pub struct Dispatcher<O> {
    storage: Storage,
    output: O,
    max_in_flight: usize,
    /// A permit for each attempt, of those that are due and of suspects together.
    room: Arc<Semaphore>,
}

impl<O> Dispatcher<O>
where
    O: Service<Lease, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    /// A dispatcher that works on at most `max_in_flight` transactions at a time.
    pub fn new(storage: Storage, output: O, max_in_flight: usize) -> Self {
        let max_in_flight = max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            storage,
            output,
            max_in_flight,
            room: Arc::new(Semaphore::new(max_in_flight)),
        }
    }

    /// Dispatches until `shutdown` is ready, then lets attempts under way end.
    ///
    /// Transactions that were under lease when the process crashed are attempted one after the
    /// other, beside the rest, so that the one that crashes it is found.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends attempts under way and gives their leases back.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut attempts = JoinSet::new();
        let mut suspects = JoinSet::new();
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.dispatch_due(&mut attempts) => {}
            () = self.dispatch_suspects(&mut suspects) => {}
        }
        while attempts.join_next().await.is_some() {}
        while suspects.join_next().await.is_some() {}
    }

    async fn dispatch_due(&self, attempts: &mut JoinSet<()>) {
        loop {
            if let Err(error) = self.dispatch(attempts).await {
                back_off(&error).await;
            }
        }
    }

    /// Starts what is due and fits, or waits until something is due or ends.
    async fn dispatch(&self, attempts: &mut JoinSet<()>) -> Result<(), BackendError> {
        while attempts.try_join_next().is_some() {}
        let mut room = self.max_in_flight - attempts.len();
        // Leases are taken many at a time: a look at the queue for each attempt that ends would
        // cost more than the attempt. But what hangs must not keep others from the room that is
        // left.
        let few = self.max_in_flight.div_ceil(4);
        if room < few {
            let is_room = self.wait_for_room(few, attempts);
            // Little room will do as well.
            let _ = timeout(LINGER, is_room).await;
            room = self.max_in_flight - attempts.len();
        }
        if room == 0 {
            attempts.join_next().await;
            return Ok(());
        }
        let leases = self.storage.lease_due(room).await?;
        if leases.is_empty() {
            return self.storage.wait_due().await;
        }
        for lease in leases {
            attempts.spawn(self.attempt(lease));
        }
        Ok(())
    }

    async fn wait_for_room(&self, wanted: usize, attempts: &mut JoinSet<()>) {
        while self.max_in_flight - attempts.len() < wanted {
            attempts.join_next().await;
        }
    }

    /// Has suspects attempted one at a time. Does not end: when there are none left, there is
    /// nothing to do.
    async fn dispatch_suspects(&self, attempts: &mut JoinSet<()>) {
        loop {
            match self.dispatch_suspect(attempts).await {
                Ok(true) => {}
                Ok(false) => std::future::pending().await,
                Err(error) => back_off(&error).await,
            }
        }
    }

    /// Has the next suspect attempted, or waits for it; `false` where there is none.
    async fn dispatch_suspect(&self, attempts: &mut JoinSet<()>) -> Result<bool, BackendError> {
        while attempts.try_join_next().is_some() {}
        if attempts.len() >= self.max_in_flight {
            attempts.join_next().await;
        }
        let Some(lease) = self.storage.lease_suspect().await? else {
            return self.storage.wait_suspect().await;
        };
        let (ends, ended) = oneshot::channel::<()>();
        let attempt = self.attempt(lease);
        attempts.spawn(async move {
            attempt.await;
            drop(ends);
        });
        // Ready when the other half is dropped.
        let _ = timeout(ALONE, ended).await;
        Ok(true)
    }

    fn attempt(&self, lease: Lease) -> impl Future<Output = ()> + Send + 'static {
        let (output, room) = (self.output.clone(), Arc::clone(&self.room));
        async move {
            // Whoever leases counts its own only: the due ones, or suspects. It is never closed.
            let _place = room.acquire_owned().await;
            let id = lease.id();
            if let Err(error) = output.oneshot(lease).await {
                let error = error.into();
                tracing::error!(%id, error = %Causes(&*error), "an attempt could not be made");
            }
        }
    }
}

async fn back_off(error: &BackendError) {
    if NOT_LOOKED.is_first() {
        tracing::error!(error = %Causes(error), "could not look for due transactions");
    }
    sleep(BACK_OFF).await;
}

impl<O> fmt::Debug for Dispatcher<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}
