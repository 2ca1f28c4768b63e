//! Where open transactions are found.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::storage::record::{IdempotencyKey, RequestDigest, TransactionId};

use super::OpenTransaction;

/// The transactions that requests of this process are still making, by identity and by idempotency
/// key.
#[derive(Default)]
pub(in super::super) struct Registry(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    transactions: HashMap<TransactionId, Arc<OpenTransaction>>,
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
pub(in super::super) enum Claimed {
    /// The transaction that claims it.
    New,
    /// The transaction of the request that is repeated.
    Repeated(TransactionId),
    /// Another request.
    Reused,
}

impl Registry {
    pub(in super::super) fn find(&self, id: TransactionId) -> Option<Arc<OpenTransaction>> {
        self.lock().transactions.get(&id).cloned()
    }

    /// Claims a sender's key for a transaction, unless one has it that is open.
    pub(in super::super) fn claim(
        &self,
        sender: &str,
        key: &IdempotencyKey,
        id: TransactionId,
    ) -> Claimed {
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

    pub(in super::super) fn add(&self, transaction: &Arc<OpenTransaction>) {
        let id = transaction.recorder.id();
        self.lock().transactions.insert(id, Arc::clone(transaction));
    }

    pub(in super::super) fn remove(&self, id: TransactionId) {
        let mut entries = self.lock();
        let removed = entries.transactions.remove(&id);
        if removed.is_some_and(|transaction| transaction.has_key()) {
            entries.keys.retain(|_, known| known.id != id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
