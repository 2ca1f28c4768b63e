//! Finds open transactions, and remembers some facts of those that are no longer open.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    id::IdMap,
    reply::Reply,
    storage::{
        Snapshot, Watch,
        record::{FinalReason, IdempotencyKey, TransactionId},
    },
};

use super::{
    OpenTransaction,
    keys::{Keys, Known},
};

/// For how many messages the length is remembered after their transaction was open.
const REMEMBERED: usize = 10_000;

/// The transactions that requests of this process are still making, by identity and by idempotency
/// key.
///
/// Requests are mostly repeated because their answer was lost, which is often when the transaction
/// is already over. So the facts needed to answer as before are remembered for a while.
#[derive(Default)]
pub(in super::super) struct Registry(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    transactions: IdMap<TransactionId, Arc<OpenTransaction>>,
    keys: Keys,
    /// How many octets of each message were uploaded.
    uploaded: IdMap<TransactionId, u64>,
    /// The same messages, oldest first.
    uploads: VecDeque<TransactionId>,
}

impl Registry {
    pub(in super::super) fn find(&self, id: TransactionId) -> Option<Arc<OpenTransaction>> {
        self.lock().transactions.get(&id).cloned()
    }

    /// What a sender's key stands for.
    pub(in super::super) fn known(&self, sender: &str, key: &IdempotencyKey) -> Option<Known> {
        self.lock().keys.find(sender, key)
    }

    /// Claims a sender's key for a transaction, unless another one has it.
    pub(in super::super) fn claim(
        &self,
        sender: &str,
        key: &IdempotencyKey,
        id: TransactionId,
    ) -> Option<Known> {
        let mut entries = self.lock();
        let known = entries.keys.find(sender, key);
        if known.is_none() {
            entries.keys.add(sender, key, id);
        }
        known
    }

    /// Remembers the key with which a transaction was committed.
    pub(in super::super) fn remember(&self, sender: &str, key: &IdempotencyKey, id: TransactionId) {
        let mut entries = self.lock();
        entries.keys.add(sender, key, id);
        entries.keys.retire(sender, &key.key, id);
    }

    /// Frees the key of a transaction that is no longer kept.
    pub(in super::super) fn forget(&self, sender: &str, key: &str, id: TransactionId) {
        self.lock().keys.forget(sender, key, id);
    }

    /// How many octets were uploaded of a message that is complete, if that is remembered.
    pub(in super::super) fn uploaded(&self, id: TransactionId) -> Option<u64> {
        match self.find(id) {
            Some(transaction) => transaction.uploaded(),
            None => self.lock().uploaded.get(&id).copied(),
        }
    }

    pub(in super::super) fn add(&self, transaction: &Arc<OpenTransaction>) {
        let id = transaction.recorder.id();
        self.lock().transactions.insert(id, Arc::clone(transaction));
    }

    /// Notes that a transaction is no longer open.
    pub(in super::super) fn remove(&self, transaction: &OpenTransaction) {
        let id = transaction.recorder.id();
        let uploaded = transaction.uploaded();
        let key = transaction.key();
        let key = key.map(|key| (key, transaction.recorder.watch()));
        let mut entries = self.lock();
        if let Some((key, watch)) = key {
            entries.end(key, watch);
        }
        if let Some(len) = uploaded {
            entries.remember(id, len);
        }
        entries.transactions.remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Decides what happens to the key of a transaction that has ended.
    fn end(&mut self, key: &IdempotencyKey, mut watch: Watch) {
        let snapshot = watch.snapshot();
        let sender = &snapshot.context.sender.name;
        match is_answered(&snapshot) {
            true => self.keys.retire(sender, &key.key, snapshot.id),
            // Nobody has taken anything, so the request may be tried again.
            false => self.keys.forget(sender, &key.key, snapshot.id),
        }
    }

    fn remember(&mut self, id: TransactionId, len: u64) {
        if self.uploaded.insert(id, len).is_none() {
            self.uploads.push_back(id);
        }
        if self.uploads.len() > REMEMBERED
            && let Some(oldest) = self.uploads.pop_front()
        {
            self.uploaded.remove(&oldest);
        }
    }
}

/// Whether the request was answered with more than a local failure.
fn is_answered(snapshot: &Snapshot) -> bool {
    let mut rcpts = snapshot.recipient_replies.iter().flatten();
    let reply = snapshot.final_reply.as_ref();
    snapshot.final_reason != Some(FinalReason::Expired)
        || reply.is_some_and(|reply| *reply != Reply::local_error())
        || rcpts.any(Reply::is_positive)
}
