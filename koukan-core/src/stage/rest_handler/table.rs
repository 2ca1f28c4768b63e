//! Transactions in the making.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::storage::record::TransactionId;

use super::making::Making;

/// The transactions that requests of this process are making, by identity and by idempotency key.
#[derive(Default)]
pub(super) struct Table(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    makings: HashMap<TransactionId, Arc<Making>>,
    /// Of those that are not committed, by sender and key.
    keys: HashMap<(Box<str>, Box<str>), TransactionId>,
}

impl Table {
    pub(super) fn find(&self, id: TransactionId) -> Option<Arc<Making>> {
        self.lock().makings.get(&id).cloned()
    }

    /// The transaction of a sender and key, if one is in the making; else that becomes this one.
    pub(super) fn claim(
        &self,
        sender: &str,
        key: &str,
        id: TransactionId,
    ) -> Option<TransactionId> {
        let mut entries = self.lock();
        let key = (sender.into(), key.into());
        match entries.keys.get(&key) {
            Some(first) => Some(*first),
            None => {
                entries.keys.insert(key, id);
                None
            }
        }
    }

    pub(super) fn add(&self, making: &Arc<Making>) {
        let id = making.recorder.id();
        self.lock().makings.insert(id, Arc::clone(making));
    }

    pub(super) fn remove(&self, id: TransactionId) {
        let mut entries = self.lock();
        let removed = entries.makings.remove(&id);
        if removed.is_some_and(|making| making.has_key()) {
            entries.keys.retain(|_, known| *known != id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
