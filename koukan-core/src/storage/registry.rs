//! Where live transactions are found by their identity.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::sync::{Mutex, MutexGuard, PoisonError};

use super::{Drain, live::Live, record::TransactionId};

/// All live transactions of a [`Storage`](super::Storage).
///
/// Invariant: there is one [`Live`] for a transaction at a time, however many hold it, so that
/// readers, the input side and the output side meet in it.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    lives: HashMap<TransactionId, Weak<Live>>,
    /// Which attempts are to end, also at what becomes live later.
    drain: Drain,
}

impl Registry {
    /// Adds a transaction that is new.
    pub(super) fn add(&self, live: &Arc<Live>) {
        self.lock().insert(live);
    }

    /// The transaction, if it is live.
    pub(super) fn find(&self, id: TransactionId) -> Option<Arc<Live>> {
        self.lock().lives.get(&id)?.upgrade()
    }

    /// The transaction, which `make` makes if it is not live; and whether it was.
    pub(super) fn find_or_add(
        &self,
        id: TransactionId,
        make: impl FnOnce() -> Arc<Live>,
    ) -> (Arc<Live>, bool) {
        let mut known = self.lock();
        if let Some(live) = known.lives.get(&id).and_then(Weak::upgrade) {
            return (live, true);
        }
        let live = make();
        known.insert(&live);
        (live, false)
    }

    /// Notes which attempts are to end at what becomes live from now on.
    pub(super) fn set_drain(&self, drain: Drain) {
        self.lock().drain = drain;
    }

    /// All that is live.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        let known = self.lock();
        known.lives.values().filter_map(Weak::upgrade).collect()
    }

    /// Forgets a transaction whose last holder is gone, unless there is another one of the same
    /// identity by now.
    pub(super) fn remove(&self, live: &Live) {
        let lives = &mut self.lock().lives;
        if lives
            .get(&live.id)
            .is_some_and(|known| std::ptr::eq(known.as_ptr(), live))
        {
            lives.remove(&live.id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn insert(&mut self, live: &Arc<Live>) {
        if self.drain != Drain::No {
            live.lock().drain = self.drain;
        }
        self.lives.insert(live.id, Arc::downgrade(live));
    }
}
