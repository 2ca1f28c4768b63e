//! The transactions of a store in memory.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
};

use jiff::Timestamp;

use crate::id::IdMap;
use crate::storage::{
    BackendError, Removed, Retention,
    record::{
        BlobContent, Change, Companions, Judged, Leased, NewEvent, NewTransaction, Recipient,
        SchedulingKey, SessionId, Skipped, Standing, StoredTransaction, TransactionId, Work,
    },
};

use super::{
    bans::Bans, blobs::Blobs, entry::Entry, events::Events, index::Index, sessions::Roll,
    suppressed::Suppressed, waiting::Waiting,
};

/// How many transactions and blobs are removed in one go at most.
const COLLECTED_AT_ONCE: usize = 256;

/// Invariant: every transaction is in one of `waiting`, `leased` and `finished`. Those in
/// `finished` are final; the others are counted by their blobs.
#[derive(Default)]
pub(super) struct Store {
    pub(super) blobs: Blobs,
    pub(super) transactions: IdMap<TransactionId, Entry>,
    pub(super) index: Index,
    /// Due now or later, and not leased.
    pub(super) waiting: Waiting,
    pub(super) leased: BTreeSet<TransactionId>,
    /// By the time since when they are final; first those for which that is unknown.
    pub(super) finished: BTreeSet<(Option<Timestamp>, TransactionId)>,
    pub(super) sessions: Roll,
    /// Where they are kept.
    pub(super) events: Option<Events>,
    /// The positions of readers of events, by name.
    pub(super) cursors: HashMap<Box<str>, u64>,
    pub(super) suppressed: Suppressed,
    pub(super) bans: Bans,
}

/// The identity of a new transaction is in use already.
#[derive(Debug, thiserror::Error)]
#[error("a transaction with that identity exists already")]
pub(super) struct Duplicate;

impl Store {
    pub(super) fn insert(&mut self, new: NewTransaction) -> Result<(), BackendError> {
        self.check(&new)?;
        self.add(new);
        Ok(())
    }

    /// Writes a summary. A transaction that exists already is unchanged.
    pub(super) fn summarise(&mut self, summary: NewTransaction) {
        if self.check(&summary).is_ok() {
            self.tell(|| summary.summary_events());
            self.put(summary);
        }
    }

    pub(super) fn complete(&mut self, new: NewTransaction) -> Result<(), BackendError> {
        self.check_leaser(&new)?;
        self.draft_of(&new)?;
        self.check_body(&new)?;
        self.replace_draft(new)
    }

    /// The draft that a transaction replaces.
    pub(super) fn draft_of(&self, new: &NewTransaction) -> Result<&Entry, BackendError> {
        let name = &new.context.sender.name;
        let draft = self.transactions.get(&new.id);
        let draft = draft.filter(|draft| draft.is_open_draft());
        let draft = draft.filter(|draft| draft.stored.context.sender.name == *name);
        draft.ok_or(BackendError::NotDraft)
    }

    /// Replaces a draft by its transaction, whose body is known to be valid.
    pub(super) fn replace_draft(&mut self, mut new: NewTransaction) -> Result<(), BackendError> {
        let draft = self.draft_of(&new)?;
        new.created = draft.stored.created;
        new.idempotency_key = draft.idempotency_key.clone();
        let draft = self.transactions.remove(&new.id);
        let draft = draft.expect("it was there just now");
        self.waiting.remove(&draft);
        self.index.remove(&draft);
        self.unrefer(&draft.stored);
        self.add(new);
        Ok(())
    }

    pub(super) fn check(&self, new: &NewTransaction) -> Result<(), BackendError> {
        self.check_key(new)?;
        self.check_leaser(new)?;
        if self.is_there(new.id) {
            return Err(BackendError::Failed(Duplicate.into()));
        }
        self.check_body(new)
    }

    pub(super) fn check_key(&self, new: &NewTransaction) -> Result<(), BackendError> {
        let key = new.idempotency_key.as_ref();
        let repeated = key.and_then(|key| self.index.repeated(&new.context.sender.name, key));
        repeated.map_or(Ok(()), Err)
    }

    pub(super) fn is_there(&self, id: TransactionId) -> bool {
        self.transactions.contains_key(&id)
    }

    fn check_body(&self, new: &NewTransaction) -> Result<(), BackendError> {
        let body = new.body.as_ref();
        body.map_or(Ok(()), |body| self.blobs.check(body))
    }

    pub(super) fn add(&mut self, new: NewTransaction) {
        self.tell(|| new.events());
        self.put(new);
    }

    /// Adds events, if they are kept.
    pub(super) fn tell(&mut self, events: impl FnOnce() -> Vec<NewEvent>) {
        if let Some(kept) = &mut self.events {
            kept.add(events());
        }
    }

    fn put(&mut self, mut new: NewTransaction) {
        self.suppressed.take(&mut new.attempts, &mut self.bans);
        if let Some(body) = &mut new.body {
            let mut write = |blob, content: &mut BlobContent| {
                let content = mem::replace(content, BlobContent::Stored);
                self.blobs.insert(blob, content, new.created);
            };
            write(body.blob, &mut body.content);
            for part in &mut body.parts {
                write(part.blob, &mut part.content);
            }
        }
        let id = new.id;
        let entry = Entry::new(new);
        if !entry.stored.status.is_final()
            && let Some(body) = &entry.stored.body
        {
            body.blobs().for_each(|blob| self.blobs.refer(blob));
        }
        self.file(&entry);
        self.index.add(&entry);
        self.transactions.insert(id, entry);
    }

    pub(super) fn unrefer(&mut self, stored: &StoredTransaction) {
        if let Some(body) = &stored.body {
            body.blobs().for_each(|blob| self.blobs.unrefer(blob));
        }
    }

    /// Puts a transaction where it belongs.
    pub(super) fn file(&mut self, entry: &Entry) {
        let id = entry.stored.id;
        if entry.lease.is_some() {
            self.leased.insert(id);
        } else if entry.due().is_some() {
            self.waiting.add(entry);
        } else {
            self.finished.insert((entry.final_since, id));
        }
    }

    pub(super) fn lease_due(
        &mut self,
        session: SessionId,
        now: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Vec<Leased> {
        let due = self.waiting.due(standing, now, limit, except);
        due.into_iter()
            .filter_map(|id| self.lease(id, session, None))
            .collect()
    }

    pub(super) fn lease_companions(
        &mut self,
        session: SessionId,
        companions: &[Companions],
        limit: usize,
    ) -> Vec<Leased> {
        let mut leased = Vec::new();
        for wanted in companions {
            let left = wanted.limit.min(limit - leased.len());
            let ids = self.waiting.companions(wanted, left);
            let ids = ids.into_iter();
            leased.extend(ids.filter_map(|id| self.lease(id, session, None)));
        }
        leased
    }

    pub(super) fn lease(
        &mut self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Option<Leased> {
        let entry = self.transactions.get_mut(&id)?;
        let due = entry.due().filter(|_| entry.lease.is_none())?;
        let is_stopped = entry.stored.held.is_some() || self.waiting.stops(entry);
        if work.is_some_and(|work| work != due.work || is_stopped) {
            return None;
        }
        self.waiting.remove(entry);
        self.leased.insert(id);
        entry.lease = Some(session);
        entry.fence += 1;
        Some(Leased {
            fence: entry.fence,
            transaction: self.blobs.view(&entry.stored),
        })
    }

    pub(super) fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Option<Timestamp> {
        self.waiting.next_due(standing, except)
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
        self.waiting.add(entry);
        Ok(())
    }

    pub(super) fn change(&mut self, change: Change) -> Vec<Judged> {
        let Change {
            ids,
            action,
            now,
            is_dry,
        } = change;
        let judged = ids.into_iter().map(|id| {
            let seen = self.transactions.get(&id).map(|entry| self.seen(entry));
            let (Some(seen), Some(entry)) = (seen, self.transactions.get_mut(&id)) else {
                return (id, Err(Skipped::Finished));
            };
            let recipients = Recipient::open(&entry.stored.recipients).len();
            let recipients = u32::try_from(recipients).unwrap_or(u32::MAX);
            let verdict = action.judge(seen).map(|()| recipients);
            if verdict.is_ok() && !is_dry {
                let is_waiting = entry.lease.is_none();
                if is_waiting {
                    self.waiting.remove(entry);
                }
                entry.change(action, now);
                if is_waiting {
                    self.waiting.add(entry);
                }
                if let Some(events) = &mut self.events {
                    events.add(entry.event_of(action, now));
                }
            }
            (id, verdict)
        });
        judged.collect()
    }

    pub(super) fn collect_garbage(&mut self, now: Timestamp, retention: Retention) -> Removed {
        self.date_finished(now);
        let mut transactions = 0;
        while transactions < COLLECTED_AT_ONCE as u64
            && let Some((since, id)) = self.finished.first().copied()
            && since < Some(now - retention.finished)
        {
            self.finished.remove(&(since, id));
            if let Some(entry) = self.transactions.remove(&id) {
                self.index.remove(&entry);
            }
            transactions += 1;
        }
        let until = now - retention.orphaned;
        let events = self.events.as_mut();
        let events = events.map(|events| events.collect(now, retention.events, COLLECTED_AT_ONCE));
        Removed {
            transactions,
            blobs: self.blobs.collect(until, COLLECTED_AT_ONCE),
            events: events.unwrap_or_default(),
            suppressions: self.suppressed.collect(now),
        }
    }

    /// Sets a date for final transactions that have none.
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
