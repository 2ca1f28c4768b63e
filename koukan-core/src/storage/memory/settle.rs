//! Ends of leases.

use std::{collections::HashSet, iter, mem};

use crate::storage::{BackendError, record::Settlement};

use super::{commit::Seen, entry::Entry, store::Store};

impl Store {
    pub(super) fn settle(&mut self, mut settlement: Settlement) -> Result<(), BackendError> {
        let together = mem::take(&mut settlement.together);
        let mut all: Vec<_> = iter::once(settlement).chain(together).collect();
        let mut ids = HashSet::with_capacity(all.len());
        for settlement in &all {
            let entry = self.transactions.get(&settlement.id);
            let is_held = |entry: &Entry| entry.is_leased_by(settlement.session, settlement.fence);
            if !entry.is_some_and(is_held) || !ids.insert(settlement.id) {
                return Err(BackendError::LeaseLost);
            }
            if let Some(notification) = &settlement.notification {
                self.check(notification)?;
            }
        }
        let mut seen = Seen::default();
        for new in all.iter().flat_map(|settlement| &settlement.kept) {
            self.check_new(new, &mut seen)?;
        }
        for settlement in &mut all {
            // First, so that events have the same order as in a database.
            let kept = mem::take(&mut settlement.kept);
            kept.into_iter().for_each(|new| self.add(new));
        }
        all.into_iter().for_each(|one| self.write_settlement(one));
        Ok(())
    }

    /// Ends a held lease.
    fn write_settlement(&mut self, mut settlement: Settlement) {
        let id = settlement.id;
        let Some(mut entry) = self.transactions.remove(&id) else {
            return;
        };
        self.leased.remove(&id);
        self.suppressed
            .take(&mut settlement.attempt, &mut self.bans);
        self.tell(|| settlement.events.clone());
        let notification = entry.settle(settlement);
        if entry.stored.status.is_final() {
            self.unrefer(&entry.stored);
        }
        self.file(&entry);
        self.transactions.insert(id, entry);
        if let Some(notification) = notification {
            self.add(*notification);
        }
    }
}
