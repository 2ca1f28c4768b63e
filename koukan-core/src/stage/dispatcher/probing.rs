//! The attempt that finds out whether hosts are there again.

use crate::storage::{Lease, Storage, record::TransactionId};

/// The right to be the only attempt at these hosts. Dropping it lets another attempt try.
pub(super) struct Probing {
    storage: Storage,
    id: TransactionId,
}

impl Probing {
    pub(super) fn new(storage: &Storage, id: TransactionId) -> Self {
        let storage = storage.clone();
        Self { storage, id }
    }

    pub(super) fn is_of(&self, lease: &Lease) -> bool {
        self.id == lease.id()
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        self.storage.destinations().ended(self.id);
    }
}
