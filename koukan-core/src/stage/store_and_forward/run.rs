use std::{pin::pin, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use crate::storage::Drain;

use super::{super::output_handler::Chains, StoreAndForward};

/// The maximum time for the last writes.
const FLUSH: Duration = Duration::from_secs(5);

impl<C: Chains> StoreAndForward<C> {
    /// Works on queued mail until `stop` is ready, and then stops in order. Meanwhile it also removes what is no
    /// longer of use.
    ///
    /// After `stop`, newly committed mail is given back to the backend, to be attempted after the next start,
    /// and waiting clients have up to 16 s before they are told to try again later. Listeners must stop before.
    /// In total it takes up to 30 s.
    ///
    /// It may be called again, and then goes on. Only one call works at a time: another one begins when it has
    /// ended. If other processes share the backend, they took over the remaining mail at once, so the queue must
    /// be opened anew: calling this again returns with a warning.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends attempts under way and gives their leases back; nothing that was promised is lost.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        self.attended.note();
        let mut stop = pin!(stop);
        let turn = tokio::select! {
            biased;
            turn = self.turn.acquire() => turn,
            // The call that works on the queue goes on.
            () = &mut stop => return,
        };
        if self.storage.has_left() {
            tracing::warn!(
                "the queue was stopped, and others took over its mail: it must be opened anew"
            );
            return;
        }
        // It may have been stopped before.
        self.storage.drain(Drain::No);
        let (stopping, stopped) = oneshot::channel::<()>();
        let ended = async {
            // Both a message and a dropped sender end it.
            let stopped = async { stopped.await.unwrap_or_default() };
            self.dispatcher.clone().run(stopped).await;
            self.storage.given_back().await;
        };
        let mut ended = pin!(ended);
        tokio::select! {
            biased;
            () = stop => {}
            // They go on until they are told to end.
            () = &mut ended => {}
            () = self.storage.collect_garbage(self.retention) => {}
        }
        drop(stopping);
        self.storage.drain_by_steps(ended).await;
        let closed = async {
            self.storage.flush().await;
            // Processes that share the backend then take over the remaining mail at once.
            self.storage.leave().await
        };
        if !matches!(timeout(FLUSH, closed).await, Ok(Ok(()))) {
            tracing::warn!("storage does not answer; the next start finds out where it was");
        }
        drop(turn);
    }
}
