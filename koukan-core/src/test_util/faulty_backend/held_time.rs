//! A paused clock that stands still.

use tokio::{sync::oneshot, task::spawn_blocking};

/// While there is one, a paused clock of tokio stands still, although the runtime may have nothing
/// to do: it does so while something blocks one of the runtime's threads.
pub(super) struct HeldTime {
    /// Whoever blocks ends when this is dropped.
    _end: oneshot::Sender<()>,
}

impl HeldTime {
    /// Holds the clock of the runtime that this is called in.
    pub(super) fn new() -> Self {
        let (end, ended) = oneshot::channel();
        // Nothing is ever sent.
        spawn_blocking(move || ended.blocking_recv());
        Self { _end: end }
    }
}
