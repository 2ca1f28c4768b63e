//! The tasks that run for an open transaction beside the requests that make it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tower::ServiceExt;

use crate::{causes::Causes, stage::output_handler::AttemptService, storage::record::FinalReason};

use super::{
    super::{attempts::Admitted, service::Shared},
    OpenTransaction,
};

/// Attends a transaction from its create until its end, or until its message is complete. Attempts
/// it, and again if an uploaded part was replaced; gives it up if its originator is silent for too
/// long.
pub(in super::super) async fn attend(
    shared: Arc<Shared>,
    transaction: Arc<OpenTransaction>,
    admitted: Option<Admitted>,
    output: impl AttemptService,
) {
    let timeout = shared.settings.downstream_timeout;
    let (id, trace_id) = (transaction.recorder.id(), transaction.recorder.trace_id());
    let (lease, room) = admitted.map(|it| (it.lease, it.room)).unzip();
    let work = async {
        mail_known(&transaction).await;
        let Some(mut lease) = lease else { return };
        loop {
            let reading = transaction.replaced_blobs.reading();
            // A bug in a filter costs only this attempt, and leaves nothing in the registry.
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
                    tracing::error!(id = %trace_id, transaction = %id, error = %Causes(&*error), "an attempt could not be made");
                }
                Some(Err(_)) => {
                    tracing::error!(id = %trace_id, transaction = %id, "an attempt has panicked");
                }
                None => {
                    tracing::debug!(id = %trace_id, transaction = %id, "the message is uploaded anew; restarting the attempt");
                    lease = transaction.recorder.begin_again(attempt);
                    continue;
                }
            }
            return;
        }
    };
    let mut work = Box::pin(work);
    let mut is_stopped = false;
    tokio::select! {
        biased;
        () = &mut work => {}
        () = transaction.silent(timeout) => {
            transaction.recorder.give_up(FinalReason::DownstreamTimeout);
            // The attempt notices the end; without MAIL there is no attempt.
            if transaction.recorder.watch().snapshot().mail.is_some() {
                (&mut work).await;
            }
        }
        () = stopped_before_message(&shared, &transaction) => {
            is_stopped = true;
        }
    }
    match is_stopped {
        true => transaction.recorder.stop_attempt(work),
        false => drop(work),
    }
    drop(room);
    if let Err(error) = transaction.recorder.attempt_ended().await {
        tracing::error!(id = %trace_id, transaction = %id, error = %Causes(&error), "could not record the end of an attempt");
    }
    tokio::select! {
        biased;
        () = settled(&transaction) => {}
        () = gives_way(&transaction) => {
            if let Err(error) = transaction.recorder.give_up_refused().await {
                tracing::error!(id = %trace_id, transaction = %id, error = %Causes(&error), "could not give up a transaction");
            }
        }
    }
    shared.registry.remove(&transaction);
}

/// Ready when a transaction that was refused must give way to other uploads.
async fn gives_way(transaction: &OpenTransaction) {
    if transaction.recorder.is_refused()
        && let Some(told) = transaction.refused()
    {
        return told.notified().await;
    }
    std::future::pending::<()>().await;
}

/// Ready when the agent stops before the message was uploaded: nobody was promised that this
/// process waits for it, and the draft can be completed after the next start.
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

/// Waits until the transaction is no longer a draft.
async fn settled(transaction: &OpenTransaction) {
    let mut watch = transaction.recorder.watch();
    while watch.snapshot().is_draft {
        watch.changed().await;
    }
}
