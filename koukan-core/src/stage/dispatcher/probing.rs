//! The attempt that shows whether hosts are there again.

use crate::storage::{Lease, Storage, record::TransactionId};

/// An attempt before which, at the same hosts, no other begins; another one may when this is dropped.
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
