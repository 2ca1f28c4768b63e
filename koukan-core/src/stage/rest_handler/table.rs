//! Transactions in the making.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::storage::record::{IdempotencyKey, RequestDigest, TransactionId};

use super::making::Making;

/// The transactions that requests of this process are making, by identity and by idempotency key.
#[derive(Default)]
pub(super) struct Table(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    makings: HashMap<TransactionId, Arc<Making>>,
    /// Of those that are not committed, by sender and key.
    keys: HashMap<(Box<str>, Box<str>), Keyed>,
}

/// A transaction that has an idempotency key, and which request made it.
#[derive(Clone, Copy)]
struct Keyed {
    id: TransactionId,
    request: Option<RequestDigest>,
}

/// What a key stands for that was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claimed {
    /// The transaction that claims it.
    New,
    /// The transaction of the request that is repeated.
    Repeated(TransactionId),
    /// Another request.
    Reused,
}

impl Table {
    pub(super) fn find(&self, id: TransactionId) -> Option<Arc<Making>> {
        self.lock().makings.get(&id).cloned()
    }

    /// Claims a sender's key for a transaction, unless one has it that is in the making.
    pub(super) fn claim(&self, sender: &str, key: &IdempotencyKey, id: TransactionId) -> Claimed {
        let mut entries = self.lock();
        let name = (sender.into(), key.key.clone());
        match entries.keys.get(&name) {
            Some(first) if key.repeats(first.request.as_ref()) => Claimed::Repeated(first.id),
            Some(_) => Claimed::Reused,
            None => {
                let request = key.request;
                entries.keys.insert(name, Keyed { id, request });
                Claimed::New
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
            entries.keys.retain(|_, known| known.id != id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
