//! What a chain knows of a transaction that another chain of this agent has handed over to it.

use std::sync::atomic::{AtomicBool, Ordering};

/// The signal that a transaction was handed over, and not given by a client.
#[derive(Debug)]
pub(crate) struct HandedOver {
    /// How often, this time included.
    pub(crate) times: usize,
    /// Whether its sender may be told of it: nothing that was found out in the chain before speaks against that.
    pub(crate) is_sender_believed: bool,
    tells_success: AtomicBool,
}

impl HandedOver {
    pub(crate) fn new(times: usize, is_sender_believed: bool) -> Self {
        Self {
            times,
            is_sender_believed,
            tells_success: AtomicBool::new(false),
        }
    }

    /// Notes that the sender is told of success from here on, where he wants that.
    pub(crate) fn tells_success(&self) {
        self.tells_success.store(true, Ordering::Relaxed);
    }

    /// Whether that was noted.
    pub(crate) fn is_success_told(&self) -> bool {
        self.tells_success.load(Ordering::Relaxed)
    }
}
