//! The transactions of a store in memory.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    mem,
    sync::Weak,
};

use jiff::Timestamp;

use crate::storage::{
    BackendError, Census, Collected, Recovered, Retention,
    record::{
        BlobContent, Leased, NewTransaction, SessionId, Settlement, StoredTransaction,
        TransactionId,
    },
};

use super::{blobs::Blobs, entry::Entry};

/// Transactions and blobs that are removed in one go, at most.
const COLLECTED_AT_ONCE: usize = 256;

/// Invariant: every transaction stands in one of `waiting`, `leased` and `finished`; those of
/// `finished` are final, and the others are counted by their blobs.
#[derive(Default)]
pub(super) struct Store {
    pub(super) blobs: Blobs,
    transactions: HashMap<TransactionId, Entry>,
    /// Due now or later and not under lease, first due first.
    waiting: BTreeSet<(Timestamp, TransactionId)>,
    leased: HashSet<TransactionId>,
    /// By the time since when they are final; those first for which that is not known.
    finished: BTreeSet<(Option<Timestamp>, TransactionId)>,
    sessions: HashMap<SessionId, Weak<()>>,
}

/// The identity of a new transaction is that of an old one.
#[derive(Debug, thiserror::Error)]
#[error("a transaction of that identity is there already")]
struct Duplicate;

impl Store {
    pub(super) fn open_session(
        &mut self,
        session: SessionId,
        process: Weak<()>,
        now: Timestamp,
    ) -> Recovered {
        self.sessions.insert(session, process);
        self.sessions
            .retain(|_, process| process.strong_count() > 0);
        let before = self.leased.len();
        self.leased.retain(|id| {
            let entry = self.transactions.get_mut(id);
            let entry = entry.expect("what is leased is there");
            if entry
                .lease
                .is_some_and(|id| self.sessions.contains_key(&id))
            {
                return true;
            }
            self.waiting.insert((entry.recover(now), *id));
            false
        });
        Recovered {
            freed: (before - self.leased.len()) as u64,
        }
    }

    pub(super) fn insert(&mut self, new: NewTransaction) -> Result<(), BackendError> {
        self.check(&new)?;
        self.add(new);
        Ok(())
    }

    fn check(&self, new: &NewTransaction) -> Result<(), BackendError> {
        if self.transactions.contains_key(&new.id) {
            return Err(BackendError::Failed(Duplicate.into()));
        }
        new.body
            .as_ref()
            .map_or(Ok(()), |body| self.blobs.check(body))
    }

    fn add(&mut self, mut new: NewTransaction) {
        if let Some(body) = &mut new.body {
            let content = mem::replace(&mut body.content, BlobContent::Stored);
            self.blobs.insert(body.blob, content, new.created);
            if !new.status.is_final() {
                self.blobs.refer(body.blob);
            }
        }
        let id = new.id;
        let entry = Entry::new(new);
        self.file(&entry);
        self.transactions.insert(id, entry);
    }

    /// Notes a transaction where it belongs.
    fn file(&mut self, entry: &Entry) {
        let id = entry.stored.id;
        if entry.lease.is_some() {
            self.leased.insert(id);
        } else if let Some(due) = entry.due() {
            self.waiting.insert((due.at, id));
        } else {
            self.finished.insert((entry.final_since, id));
        }
    }

    pub(super) fn lease_due(
        &mut self,
        session: SessionId,
        now: Timestamp,
        limit: usize,
    ) -> Vec<Leased> {
        let mut leased = Vec::new();
        while leased.len() < limit
            && let Some((at, id)) = self.waiting.first().copied()
            && at <= now
        {
            self.waiting.remove(&(at, id));
            self.leased.insert(id);
            let entry = self.transactions.get_mut(&id);
            let entry = entry.expect("what waits is there");
            entry.lease = Some(session);
            entry.fence += 1;
            leased.push(Leased {
                fence: entry.fence,
                transaction: self.blobs.view(&entry.stored),
            });
        }
        leased
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(at, _)| *at)
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> Result<(), BackendError> {
        let id = settlement.id;
        let entry = self.transactions.get(&id);
        if !entry.is_some_and(|entry| entry.is_leased_by(settlement.session, settlement.fence)) {
            return Err(BackendError::LeaseLost);
        }
        if let Some(notification) = &settlement.notification {
            self.check(notification)?;
        }
        let mut entry = self
            .transactions
            .remove(&id)
            .expect("it was there just now");
        self.leased.remove(&id);
        let notification = entry.settle(settlement);
        if entry.stored.status.is_final()
            && let Some(body) = &entry.stored.body
        {
            self.blobs.unrefer(body.blob);
        }
        self.file(&entry);
        self.transactions.insert(id, entry);
        if let Some(notification) = notification {
            self.add(*notification);
        }
        Ok(())
    }

    pub(super) fn release(
        &mut self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError> {
        let entry = self.transactions.get_mut(&id);
        let entry = entry.filter(|entry| entry.is_leased_by(session, fence));
        let entry = entry.ok_or(BackendError::LeaseLost)?;
        entry.lease = None;
        self.leased.remove(&id);
        self.waiting.extend(entry.due().map(|due| (due.at, id)));
        Ok(())
    }

    pub(super) fn find(&self, id: TransactionId) -> Option<StoredTransaction> {
        let entry = self.transactions.get(&id)?;
        Some(self.blobs.view(&entry.stored))
    }

    pub(super) fn census(&self) -> Census {
        Census {
            waiting: self.waiting.len() as u64,
            leased: self.leased.len() as u64,
            finished: self.finished.len() as u64,
        }
    }

    pub(super) fn collect_garbage(&mut self, now: Timestamp, retention: Retention) -> Collected {
        self.date_finished(now);
        let mut transactions = 0;
        while transactions < COLLECTED_AT_ONCE as u64
            && let Some((since, id)) = self.finished.first().copied()
            && since < Some(now - retention.finished)
        {
            self.finished.remove(&(since, id));
            self.transactions.remove(&id);
            transactions += 1;
        }
        let until = now - retention.orphaned;
        Collected {
            transactions,
            blobs: self.blobs.collect(until, COLLECTED_AT_ONCE),
        }
    }

    /// Gives a date to what has been final since nobody knows when.
    fn date_finished(&mut self, now: Timestamp) {
        while let Some((None, id)) = self.finished.first().copied() {
            self.finished.remove(&(None, id));
            self.finished.insert((Some(now), id));
            if let Some(entry) = self.transactions.get_mut(&id) {
                entry.final_since = Some(now);
            }
        }
    }
}

impl Blobs {
    /// A transaction as it is read back: without a body that was collected.
    fn view(&self, stored: &StoredTransaction) -> StoredTransaction {
        let mut stored = stored.clone();
        stored.body = stored.body.filter(|body| self.contains(body.blob));
        stored
    }
}
