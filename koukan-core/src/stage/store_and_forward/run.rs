use std::{pin::pin, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use crate::storage::Drain;

use super::{super::output_handler::Chains, StoreAndForward};

/// How long the last writes may take.
const FLUSH: Duration = Duration::from_secs(5);

impl<C: Chains> StoreAndForward<C> {
    /// Works on what is kept, until `stop` is ready; then it stops in good order. What is no longer of use is
    /// removed meanwhile.
    ///
    /// From then on what is committed is given back to the backend, to be attempted after the next start, and
    /// clients that wait get up to 16 s before they are told to try again later. Whoever accepts connections
    /// stops before. In all it takes up to 30 s.
    ///
    /// It may be called again, and goes on then. Only one works at a time: another one begins when it has ended.
    /// Where others share the backend they have what is left at once, so the queue is to be opened anew there:
    /// called again, it returns with a warning.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends attempts under way and gives their leases back; nothing that was promised is lost.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let turn = tokio::select! {
            biased;
            turn = self.turn.acquire() => turn,
            // Whoever works goes on.
            () = &mut stop => return,
        };
        if self.storage.has_left() {
            tracing::warn!(
                "the queue was stopped, and others have what it had: it is to be opened anew"
            );
            return;
        }
        // It may have been stopped before.
        self.storage.drain(Drain::No);
        let (stopping, stopped) = oneshot::channel::<()>();
        let ended = async {
            // Whether it is told or dropped, it is over.
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
            // So that others who share the backend have at once what is left.
            self.storage.leave().await
        };
        if !matches!(timeout(FLUSH, closed).await, Ok(Ok(()))) {
            tracing::warn!("storage does not answer; the next start finds out where it was");
        }
        drop(turn);
    }
}
