//! Attempts beside requests.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::{BoxError, Service, ServiceExt};

use crate::{
    causes::Causes,
    stage::output_handler::AttemptOutcome,
    storage::{Lease, record::FinalReason},
};

use super::{open_transaction::OpenTransaction, service::Shared};

/// The attempts that a [`RestHandler`](super::RestHandler) has begun, each in a task of its own:
/// requests come and go, and the attempt goes on.
#[derive(Clone)]
pub struct Attempts(Arc<Inner>);

struct Inner {
    room: Arc<Semaphore>,
    max: u32,
    is_stopping: watch::Sender<bool>,
}

impl Attempts {
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self(Arc::new(Inner {
            room: Arc::new(Semaphore::new(max)),
            max: u32::try_from(max).unwrap_or(u32::MAX),
            is_stopping: watch::Sender::new(false),
        }))
    }

    /// Lets requests that wait for a change return, and refuses new transactions.
    pub fn stop(&self) {
        self.0.is_stopping.send_replace(true);
    }

    /// Waits until no attempt is under way.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn ended(&self) {
        // All room is there when nobody has any.
        let _ = self.0.room.acquire_many(self.0.max).await;
    }

    /// Room for one more, if there is some.
    pub(super) fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.room).try_acquire_owned().ok()
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.0.is_stopping.borrow()
    }

    /// Ready when waits are to end.
    pub(super) async fn stopping(&self) {
        let mut is_stopping = self.0.is_stopping.subscribe();
        // The sender lives as long as this.
        let _ = is_stopping.wait_for(|is_stopping| *is_stopping).await;
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.0.max as usize - self.0.room.available_permits();
        f.debug_struct("Attempts")
            .field("under_way", &under_way)
            .finish_non_exhaustive()
    }
}

/// Goes with a transaction from its create to its end, or until its message is complete: attempts
/// it, again where what was uploaded of the message gave way to something else, and gives it up
/// where its originator is silent for too long.
pub(super) async fn attend<O>(
    shared: Arc<Shared>,
    transaction: Arc<OpenTransaction>,
    lease: Option<Lease>,
    output: O,
    room: Option<OwnedSemaphorePermit>,
) where
    O: Service<Lease, Response = AttemptOutcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let timeout = shared.settings.downstream_timeout;
    let id = transaction.recorder.id();
    let work = async {
        mail_known(&transaction).await;
        let Some(mut lease) = lease else { return };
        loop {
            let reading = transaction.replaced_blobs.reading();
            // A bug in a filter costs the attempt, and leaves nothing in the table.
            let attempt = AssertUnwindSafe(output.clone().oneshot(lease)).catch_unwind();
            let mut attempt = Box::pin(attempt);
            let ended = tokio::select! {
                biased;
                () = reading.is_stale() => None,
                ended = &mut attempt => Some(ended),
            };
            match ended {
                Some(Ok(Ok(_))) => {}
                Some(Ok(Err(error))) => {
                    let error = error.into();
                    tracing::error!(%id, error = %Causes(&*error), "an attempt could not be made");
                }
                Some(Err(_)) => tracing::error!(%id, "an attempt has panicked"),
                None => {
                    tracing::debug!(%id, "the message is uploaded anew: begins again");
                    lease = transaction.recorder.begin_again(attempt);
                    continue;
                }
            }
            return;
        }
    };
    let mut work = Box::pin(work);
    tokio::select! {
        biased;
        () = &mut work => {}
        () = transaction.silent(timeout) => {
            transaction.recorder.give_up(FinalReason::DownstreamTimeout);
            // The attempt sees that; without MAIL there is none.
            if transaction.recorder.watch().snapshot().mail.is_some() {
                (&mut work).await;
            }
        }
        () = stopped_before_message(&shared, &transaction) => {}
    }
    drop(work);
    drop(room);
    if let Err(error) = transaction.recorder.attempt_ended().await {
        tracing::error!(%id, error = %Causes(&error), "could not write down the end of an attempt");
    }
    settled(&transaction).await;
    shared.registry.remove(id);
}

/// Ready when the agent stops and the message has not been uploaded: it is promised to nobody that
/// this process waits for it, and the draft can be completed after the next start.
async fn stopped_before_message(shared: &Shared, transaction: &OpenTransaction) {
    shared.attempts.stopping().await;
    if transaction.is_incremental() || transaction.recorder.is_complete() {
        std::future::pending::<()>().await;
    }
}

/// Waits for the MAIL command, or the end.
async fn mail_known(transaction: &OpenTransaction) {
    let mut watch = transaction.recorder.watch();
    loop {
        let snapshot = watch.snapshot();
        if snapshot.mail.is_some() {
            return;
        }
        watch.changed().await;
    }
}

/// Waits until the transaction is no draft any more.
async fn settled(transaction: &OpenTransaction) {
    let mut watch = transaction.recorder.watch();
    while watch.snapshot().is_draft {
        watch.changed().await;
    }
}
