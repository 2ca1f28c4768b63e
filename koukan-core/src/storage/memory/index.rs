//! The index of transactions in an in-memory store.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

use crate::storage::{
    BackendError, ListCursor,
    record::{IdempotencyKey, RequestDigest, StoredTransaction, TransactionId},
};

use super::entry::Entry;

/// The transactions of each sender, by its name.
#[derive(Default)]
pub(super) struct Index(HashMap<Arc<str>, Sender>);

#[derive(Default)]
struct Sender {
    by_time: BTreeSet<ListCursor>,
    by_key: HashMap<Box<str>, (TransactionId, Option<RequestDigest>)>,
}

impl Index {
    pub(super) fn add(&mut self, entry: &Entry) {
        let name = &entry.stored.context.sender.name;
        let sender = self.0.entry(Arc::clone(name)).or_default();
        sender.by_time.insert(place(&entry.stored));
        if let Some(key) = &entry.idempotency_key {
            let found = (entry.stored.id, key.request);
            sender.by_key.insert(key.key.clone(), found);
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        let name = &entry.stored.context.sender.name;
        let Some(sender) = self.0.get_mut(name) else {
            return;
        };
        sender.by_time.remove(&place(&entry.stored));
        if let Some(key) = &entry.idempotency_key {
            sender.by_key.remove(&key.key);
        }
        if sender.by_time.is_empty() {
            self.0.remove(name);
        }
    }

    /// The error for a repeated key, if it is one.
    pub(super) fn repeated(&self, sender: &str, key: &IdempotencyKey) -> Option<BackendError> {
        let (first, request) = self.0.get(sender)?.by_key.get(&key.key)?;
        Some(match key.repeats(request.as_ref()) {
            true => BackendError::Repeated(*first),
            false => BackendError::KeyReused,
        })
    }

    /// A sender's transactions, or everybody's, from a position on, newest first.
    pub(super) fn list(
        &self,
        sender: Option<&str>,
        before: Option<ListCursor>,
    ) -> Box<dyn Iterator<Item = TransactionId> + '_> {
        let range = (
            Bound::Unbounded,
            before.map_or(Bound::Unbounded, Bound::Excluded),
        );
        if let Some(sender) = sender {
            let sender = self.0.get(sender).into_iter();
            let places = sender.flat_map(move |sender| sender.by_time.range(range).rev());
            return Box::new(places.map(|place| place.id));
        }
        let senders = self.0.values();
        let places = senders.flat_map(|sender| sender.by_time.range(range));
        let mut places: Vec<_> = places.copied().collect();
        places.sort_unstable_by(|one, other| other.cmp(one));
        Box::new(places.into_iter().map(|place| place.id))
    }
}

fn place(stored: &StoredTransaction) -> ListCursor {
    ListCursor {
        created: stored.created,
        id: stored.id,
    }
}
