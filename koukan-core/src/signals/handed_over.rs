//! What a chain knows of a transaction that another chain of this agent has handed over.

use std::sync::atomic::{AtomicBool, Ordering};

/// The signal that a transaction was handed over by another chain.
#[derive(Debug)]
pub(crate) struct HandedOver {
    /// How often it was handed over, including this time.
    pub(crate) times: usize,
    /// Whether its sender may be notified: nothing in the earlier chain has spoken against it.
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

    /// Notes that the sender is notified of success from here on, if the sender has asked for it.
    pub(crate) fn tells_success(&self) {
        self.tells_success.store(true, Ordering::Relaxed);
    }

    /// Whether that was noted.
    pub(crate) fn is_success_told(&self) -> bool {
        self.tells_success.load(Ordering::Relaxed)
    }
}
