use std::{pin::pin, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use crate::storage::Drain;

use super::{super::output_handler::Chains, StoreAndForward};

/// What is ended when the queue is told to stop, and how long it is waited for after that. In all it takes
/// less than the 30 s after which an orchestrator kills.
const DRAIN: [(Drain, Duration); 4] = [
    (Drain::Committed, Duration::from_secs(5)),
    (Drain::Live, Duration::from_secs(16)),
    (Drain::Sent, Duration::from_secs(2)),
    (Drain::All, Duration::from_secs(2)),
];
/// How long the last writes may take.
const FLUSH: Duration = Duration::from_secs(5);

impl<C: Chains> StoreAndForward<C> {
    /// Works on what is kept, until `stop` is ready; then it stops in good order.
    ///
    /// From then on what is committed is given back to the backend, to be attempted after the next start, and
    /// clients that wait get up to 16 s before they are told to try again later. Whoever accepts connections
    /// stops before. In all it takes up to 30 s. At its end the session on the backend is over: the queue is to
    /// be opened anew.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends attempts under way and gives their leases back; nothing that was promised is lost.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
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
            // It goes on until it is told to end.
            () = &mut ended => {}
        }
        drop(stopping);
        for (drain, patience) in DRAIN {
            self.storage.drain(drain);
            if timeout(patience, &mut ended).await.is_ok() {
                break;
            }
        }
        let closed = async {
            self.storage.flush().await;
            // So that others who share the backend have at once what is left.
            self.storage.leave().await
        };
        if !matches!(timeout(FLUSH, closed).await, Ok(Ok(()))) {
            tracing::warn!("storage does not answer; the next start finds out where it was");
        }
    }
}
