//! How a session ends where the server stops.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// What a session is told of the server's end.
///
/// | the server | a session |
/// |---|---|
/// | has begun to stop | ends with 421 between transactions; amid one, as soon as the client has been silent for a moment |
/// | has waited long enough | ends with 421, whatever is under way |
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Stop {
    begun: CancellationToken,
    over: CancellationToken,
}

impl Stop {
    /// For a session, which waits without holding up others that wait.
    pub(in crate::server) fn of_session(&self) -> Self {
        Self {
            begun: self.begun.child_token(),
            over: self.over.clone(),
        }
    }

    /// The server begins to stop.
    pub(in crate::server) fn begin(&self) {
        self.begun.cancel();
    }

    /// The server has waited long enough.
    pub(in crate::server) fn end(&self) {
        self.over.cancel();
    }

    pub(super) fn is_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits until the server has begun to stop.
    pub(in crate::server) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Waits until the server has begun to stop, and then for the client to say something.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the client has said something in time; it gets that long again.
    pub(super) async fn silence(&self, patience: Duration) {
        self.begun.cancelled().await;
        if !patience.is_zero() {
            sleep(patience).await;
        }
    }

    /// Waits until the server has waited long enough.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }
}
