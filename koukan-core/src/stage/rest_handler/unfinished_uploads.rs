//! Uploads that are not finished, by sender.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts the transactions of each sender whose message is still to come. Each may wait for it for
/// a day, so that a sender may not have any number of them.
///
/// Only those count that this process has made or gone on with.
#[derive(Clone, Default)]
pub(super) struct UnfinishedUploads(Arc<Mutex<HashMap<Box<str>, usize>>>);

/// One transaction whose message is still to come, until this is dropped.
pub(super) struct Upload {
    counts: UnfinishedUploads,
    sender: Box<str>,
}

impl UnfinishedUploads {
    /// Counts one more of a sender, unless it has `max` already.
    pub(super) fn begin(&self, sender: &str, max: usize) -> Option<Upload> {
        {
            let mut counts = self.lock();
            let count = counts.get(sender).copied().unwrap_or_default();
            if count >= max {
                return None;
            }
            counts.insert(sender.into(), count + 1);
        }
        Some(Upload {
            counts: self.clone(),
            sender: sender.into(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.sender) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sender_has_so_many() {
        let unfinished = UnfinishedUploads::default();
        let first = unfinished.begin("a", 2);
        let second = unfinished.begin("a", 2);
        assert!(first.is_some() && second.is_some());
        assert!(unfinished.begin("a", 2).is_none());
        let other = unfinished.begin("b", 2);
        assert!(other.is_some());
        drop(first);
        assert!(unfinished.begin("a", 2).is_some());
        drop((second, other));
        assert!(unfinished.lock().is_empty());
    }
}
