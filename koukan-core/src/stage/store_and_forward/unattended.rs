//! Tells the embedder who has forgotten to run the queue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::sleep;

/// How long a program may take to run the queue that it has opened.
const LONG: Duration = Duration::from_secs(60);

/// Whether the queue was ever run.
#[derive(Clone, Debug, Default)]
pub(super) struct Attended(Arc<AtomicBool>);

impl Attended {
    /// The queue is run from now on.
    pub(super) fn note(&self) {
        self.0.store(true, Relaxed);
    }

    /// Logs a warning if the queue is not run soon; not if it is gone by then.
    pub(super) fn warn_if_not(&self) -> impl Future<Output = ()> + use<> {
        let queue = Arc::downgrade(&self.0);
        async move {
            sleep(LONG).await;
            if queue.upgrade().is_some_and(|is_run| !is_run.load(Relaxed)) {
                tracing::warn!(
                    "nobody works on the queue: until `StoreAndForward::run` is called, mail that was answered with 250 may wait for ever"
                );
            }
        }
    }
}
