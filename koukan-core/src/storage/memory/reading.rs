//! Reads from an in-memory store.

use jiff::Timestamp;

use crate::storage::{
    Census, EventPage, EventQuery, ListCursor, Listing, QueueDepth,
    record::{Attempt, StoredTransaction, TransactionId},
};

use super::{entry::Entry, store::Store};

impl Store {
    pub(super) fn find(&self, id: TransactionId) -> Option<StoredTransaction> {
        let entry = self.transactions.get(&id)?;
        Some(self.read(entry))
    }

    pub(super) fn list(&self, listing: &Listing) -> Vec<StoredTransaction> {
        let ids = self.index.list(listing.sender.as_deref(), listing.before);
        let wanted = listing.search.wanted();
        ids.filter_map(|id| self.transactions.get(&id))
            .filter(|entry| listing.state.is_none_or(|state| state.takes(entry.state())))
            .filter(|entry| listing.search.takes(&entry.stored) && wanted.takes(&entry.stored))
            .take(listing.limit)
            .map(|entry| self.read(entry))
            .collect()
    }

    /// A transaction as it is read back.
    fn read(&self, entry: &Entry) -> StoredTransaction {
        StoredTransaction {
            is_leased: entry.lease.is_some(),
            ..self.blobs.view(&entry.stored)
        }
    }

    pub(super) fn select(&self, listing: &Listing) -> Vec<ListCursor> {
        let list = self.list(listing).into_iter();
        let place = |stored: StoredTransaction| ListCursor {
            created: stored.created,
            id: stored.id,
        };
        list.map(place).collect()
    }

    pub(super) fn attempts(&self, id: TransactionId) -> Vec<Attempt> {
        let entry = self.transactions.get(&id);
        entry.map_or_else(Vec::new, Entry::attempts)
    }

    pub(super) fn page_of_events(&self, query: &EventQuery) -> EventPage {
        let nothing = || EventPage {
            first: 1,
            ..EventPage::default()
        };
        let events = self.events.as_ref();
        events.map_or_else(nothing, |events| events.page(query))
    }

    pub(super) fn depth(&self, now: Timestamp) -> QueueDepth {
        QueueDepth {
            active: self.leased.len() as u64,
            ..self.waiting.depth(now)
        }
    }

    pub(super) fn census(&self) -> Census {
        Census {
            waiting: self.waiting.len() as u64,
            leased: self.leased.len() as u64,
            finished: self.finished.len() as u64,
        }
    }
}
