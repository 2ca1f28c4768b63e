//! The suppressed addresses of an in-memory store.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::storage::{
    BackendError, SuppressionLists,
    record::{Attempt, Suppression, SuppressionChange},
    suppression_list::SuppressionList,
};

use super::{MemoryBackend, bans::Bans};

/// The suppressions.
#[derive(Default)]
pub(super) struct Suppressed(SuppressionList);

impl Suppressed {
    pub(super) fn change(&mut self, change: SuppressionChange) {
        match change {
            SuppressionChange::Keep(one) => self.0.keep(one),
            SuppressionChange::Remove { sender, address } => {
                self.0.remove(&sender, &address);
            }
        }
    }

    /// Takes the findings of attempts.
    pub(super) fn take<'a>(
        &mut self,
        attempts: impl IntoIterator<Item = &'a mut Attempt>,
        bans: &mut Bans,
    ) {
        let found = attempts.into_iter();
        for one in found.flat_map(|attempt| std::mem::take(&mut attempt.suppresses)) {
            bans.note_address(one.sender.clone(), one.address.clone());
            self.0.keep(one);
        }
    }

    pub(super) fn find(&self, sender: &str, address: &str) -> Option<Suppression> {
        self.0.find(sender, address, Timestamp::MIN).cloned()
    }

    pub(super) fn all(&self) -> Vec<Suppression> {
        self.0.all().cloned().collect()
    }

    /// Removes expired suppressions. Returns how many.
    pub(super) fn collect(&mut self, now: Timestamp) -> u64 {
        self.0.expire(now) as u64
    }
}

#[async_trait]
impl SuppressionLists for MemoryBackend {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        let mut store = self.lock();
        let (sender, address) = match &change {
            SuppressionChange::Keep(one) => (&one.sender, &one.address),
            SuppressionChange::Remove { sender, address } => (sender, address),
        };
        store.bans.note_address(sender.clone(), address.clone());
        store.suppressed.change(change);
        Ok(())
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        Ok(self.lock().suppressed.all())
    }
}
