//! The transactions of a store in memory that wait to be leased.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::storage::record::{Standing, TransactionId};

use super::entry::Entry;

/// What is due now or later and not under lease.
#[derive(Default)]
pub(super) struct Waiting {
    /// First due first.
    clear: BTreeSet<(Timestamp, TransactionId)>,
    /// Those that were in the fewest crashes first.
    suspects: BTreeSet<(u32, Timestamp, TransactionId)>,
}

impl Waiting {
    /// Adds what is due; does nothing with what is final.
    pub(super) fn add(&mut self, entry: &Entry) {
        let id = entry.stored.id;
        let Some(due) = entry.due() else { return };
        match entry.standing() {
            Standing::Clear => self.clear.insert((due.at, id)),
            Standing::Suspect => self.suspects.insert((entry.crashes, due.at, id)),
        };
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        let id = entry.stored.id;
        let Some(due) = entry.due() else { return };
        match entry.standing() {
            Standing::Clear => self.clear.remove(&(due.at, id)),
            Standing::Suspect => self.suspects.remove(&(entry.crashes, due.at, id)),
        };
    }

    /// What comes first of all that is due at `now`.
    pub(super) fn first(&self, standing: Standing, now: Timestamp) -> Option<TransactionId> {
        match standing {
            Standing::Clear => {
                let first = self.clear.first().filter(|(at, _)| *at <= now);
                first.map(|(_, id)| *id)
            }
            Standing::Suspect => {
                let mut suspects = self.suspects.iter();
                let first = suspects.find(|(_, at, _)| *at <= now);
                first.map(|(_, _, id)| *id)
            }
        }
    }

    pub(super) fn next_due(&self, standing: Standing) -> Option<Timestamp> {
        match standing {
            Standing::Clear => self.clear.first().map(|(at, _)| *at),
            Standing::Suspect => self.suspects.iter().map(|(_, at, _)| *at).min(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.clear.len() + self.suspects.len()
    }
}
