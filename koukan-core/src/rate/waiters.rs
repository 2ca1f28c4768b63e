//! Those who wait for something that others provide: [`Waiters`].

use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use crate::sync::{Mutex, PoisonError};

/// Those who wait for more turns, or for a larger share. They are forgotten once nobody else holds their [`Notify`].
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<Vec<Weak<Notify>>>);

impl Waiters {
    /// Adds one, unless it is among them.
    pub(super) fn add(&self, waiter: &Arc<Notify>) {
        let waiter = Arc::downgrade(waiter);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|known| known.ptr_eq(&waiter)) {
            all.retain(|known| known.strong_count() > 0);
            all.push(waiter);
        }
    }

    /// Wakes all of them.
    pub(super) fn wake(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for waiter in all.iter().filter_map(Weak::upgrade) {
            waiter.notify_waiters();
        }
    }
}
