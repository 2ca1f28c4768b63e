//! Turns of messages: [`Reserved`], and [`Promise`] of one.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::time::Instant;

use super::Rate;

/// A turn for one message. If this is dropped, another message may have the turn.
#[derive(Debug)]
#[must_use = "the turn becomes free when this is dropped"]
pub struct Reserved(Option<Rate>);

/// The signal that a turn is kept for an attempt from the queue, or for several attempts that go together. Clones stand
/// for the same turn. An endpoint passes it to [`Rate::reserve`].
///
/// The turn is for one message. If the attempt does not use it, the turn becomes free when the last clone is dropped,
/// whatever other attempts do meanwhile.
#[derive(Debug, Clone)]
#[must_use = "the turn becomes free when this is dropped"]
pub struct Promise(Arc<Promised>);

#[derive(Debug)]
struct Promised {
    rate: Rate,
    /// Whether the turn has not been taken yet.
    is_kept: AtomicBool,
}

// === impl Reserved ===

impl Reserved {
    pub(super) fn new(rate: Rate) -> Self {
        Self(Some(rate))
    }

    /// The message goes now.
    pub fn spend(mut self) {
        if let Some(rate) = self.0.take() {
            let mut state = rate.lock();
            state.reserved -= 1;
            state.spent.push_back(Instant::now());
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(rate) = &self.0 {
            rate.give_back(|state| &mut state.reserved);
        }
    }
}

// === impl Promise ===

impl Promise {
    pub(super) fn new(rate: Rate) -> Self {
        Self(Arc::new(Promised {
            rate,
            is_kept: AtomicBool::new(true),
        }))
    }

    /// Takes the turn. `false` if it is of another rate, or was taken before.
    pub(super) fn take_of(&self, rate: &Rate) -> bool {
        self.0.rate == *rate && self.0.take()
    }
}

// === impl Promised ===

impl Promised {
    fn take(&self) -> bool {
        self.is_kept.swap(false, Ordering::Relaxed)
    }
}

impl Drop for Promised {
    fn drop(&mut self) {
        if self.take() {
            self.rate.give_back(|state| &mut state.promised);
        }
    }
}
