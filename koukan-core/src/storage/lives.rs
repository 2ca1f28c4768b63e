//! Where live transactions are found by their identity.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::{live::Live, record::TransactionId};

/// All live transactions of a [`Storage`](super::Storage).
///
/// Invariant: there is one [`Live`] for a transaction at a time, however many hold it, so that
/// readers, the input side and the output side meet in it.
#[derive(Debug, Default)]
pub(super) struct Lives(Mutex<HashMap<TransactionId, Weak<Live>>>);

impl Lives {
    /// Adds a transaction that is new.
    pub(super) fn add(&self, live: &Arc<Live>) {
        self.lock().insert(live.id, Arc::downgrade(live));
    }

    /// The transaction, if it is live.
    pub(super) fn find(&self, id: TransactionId) -> Option<Arc<Live>> {
        self.lock().get(&id)?.upgrade()
    }

    /// The transaction, which `make` makes if it is not live; and whether it was.
    pub(super) fn find_or_add(
        &self,
        id: TransactionId,
        make: impl FnOnce() -> Arc<Live>,
    ) -> (Arc<Live>, bool) {
        let mut lives = self.lock();
        if let Some(live) = lives.get(&id).and_then(Weak::upgrade) {
            return (live, true);
        }
        let live = make();
        lives.insert(id, Arc::downgrade(&live));
        (live, false)
    }

    /// Forgets a transaction whose last holder is gone, unless there is another one of the same
    /// identity by now.
    pub(super) fn remove(&self, live: &Live) {
        let mut lives = self.lock();
        if lives
            .get(&live.id)
            .is_some_and(|known| std::ptr::eq(known.as_ptr(), live))
        {
            lives.remove(&live.id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TransactionId, Weak<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
