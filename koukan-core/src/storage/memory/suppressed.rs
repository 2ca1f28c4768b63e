//! Addresses to which senders send nothing, of a store in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::storage::{
    BackendError, SuppressionLists,
    record::{Attempt, Suppression, SuppressionChange},
};

use super::MemoryBackend;

/// Them, by sender and address.
#[derive(Default)]
pub(super) struct Suppressed(BTreeMap<(Box<str>, Box<str>), Suppression>);

impl Suppressed {
    pub(super) fn change(&mut self, change: SuppressionChange) {
        match change {
            SuppressionChange::Keep(one) => self.keep(one),
            SuppressionChange::Remove { sender, address } => {
                self.0.remove(&(sender, address));
            }
        }
    }

    /// Takes what attempts have found out.
    pub(super) fn take<'a>(&mut self, attempts: impl IntoIterator<Item = &'a mut Attempt>) {
        let found = attempts.into_iter();
        found
            .flat_map(|attempt| std::mem::take(&mut attempt.suppresses))
            .for_each(|one| self.keep(one));
    }

    fn keep(&mut self, one: Suppression) {
        let key = (one.sender.clone(), one.address.clone());
        self.0.insert(key, one);
    }

    pub(super) fn all(&self) -> Vec<Suppression> {
        self.0.values().cloned().collect()
    }

    pub(super) fn collect(&mut self, now: Timestamp) {
        self.0.retain(|_, one| one.until > now);
    }
}

#[async_trait]
impl SuppressionLists for MemoryBackend {
    async fn change_suppression(&self, change: SuppressionChange) -> Result<(), BackendError> {
        self.lock().suppressed.change(change);
        Ok(())
    }

    async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        Ok(self.lock().suppressed.all())
    }
}
