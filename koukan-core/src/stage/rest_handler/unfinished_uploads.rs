//! Uploads that are not finished, by sender.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Counts the transactions of each sender whose message is still to come. Each may wait for it for a
/// day, so a sender may have only a limited number. Transactions whose recipients were all refused
/// give way to others, oldest first.
///
/// Only transactions that this process has made or resumed count.
#[derive(Clone, Default)]
pub(super) struct UnfinishedUploads(Arc<Mutex<HashMap<Box<str>, OfSender>>>);

#[derive(Default)]
struct OfSender {
    count: usize,
    /// The notifiers of refused transactions, in the order of their refusal: they are told to give
    /// way.
    refused: VecDeque<Arc<Notify>>,
}

/// One transaction whose message is still to come, until this is dropped.
pub(super) struct Upload {
    counts: UnfinishedUploads,
    sender: Box<str>,
    gives_way: Arc<Notify>,
    /// The transaction whose place it has, if that was not told yet.
    displaced: Mutex<Option<Arc<Notify>>>,
}

impl UnfinishedUploads {
    /// Counts one more transaction of a sender, unless the sender already has `max` of which none
    /// gives way. One that gives way is told by [`Upload::confirm`].
    pub(super) fn begin(&self, sender: &str, max: usize) -> Option<Upload> {
        let displaced = {
            let mut counts = self.lock();
            let count = counts.get(sender).map_or(0, |of| of.count);
            let displaced = if count < max {
                None
            } else {
                Some(counts.get_mut(sender)?.refused.pop_front()?)
            };
            counts.entry(sender.into()).or_default().count += 1;
            displaced
        };
        Some(Upload {
            counts: self.clone(),
            sender: sender.into(),
            gives_way: Arc::default(),
            displaced: Mutex::new(displaced),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, OfSender>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    /// Notes that the transaction was made: the one it displaces gives way.
    pub(super) fn confirm(&self) {
        if let Some(displaced) = self.take_displaced() {
            displaced.notify_one();
        }
    }

    fn take_displaced(&self) -> Option<Arc<Notify>> {
        let displaced = self.displaced.lock();
        displaced.unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes that the transaction was refused. Returns what is notified when it must give way.
    pub(super) fn refused(&self) -> Arc<Notify> {
        let mut counts = self.counts.lock();
        if let Some(of) = counts.get_mut(&self.sender) {
            of.refused.push_back(Arc::clone(&self.gives_way));
        }
        Arc::clone(&self.gives_way)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let displaced = self.take_displaced();
        let mut counts = self.counts.lock();
        if let Some(of) = counts.get_mut(&self.sender) {
            of.count -= 1;
            // It was never made, so the transaction it would have displaced has its place again.
            if let Some(displaced) = displaced {
                of.refused.push_front(displaced);
            }
            of.refused
                .retain(|other| !Arc::ptr_eq(other, &self.gives_way));
            if of.count == 0 {
                counts.remove(&self.sender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_immediate;

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

    #[tokio::test]
    async fn those_that_were_refused_give_way() {
        let unfinished = UnfinishedUploads::default();
        let first = unfinished.begin("a", 2).unwrap();
        let second = unfinished.begin("a", 2).unwrap();
        let (first_way, second_way) = (first.refused(), second.refused());
        // A transaction that is not made in the end displaces nothing.
        drop(unfinished.begin("a", 2).unwrap());
        assert!(poll_immediate(first_way.notified()).await.is_none());
        let third = unfinished.begin("a", 2).unwrap();
        third.confirm();
        first_way.notified().await;
        drop(second);
        // The first has not ended yet, and gives way only once.
        assert!(unfinished.begin("a", 2).is_none());
        drop(first);
        assert!(unfinished.begin("a", 2).is_some());
        drop(third);
        drop(second_way);
        assert!(unfinished.begin("nobody", 0).is_none());
        assert!(unfinished.lock().is_empty());
    }
}
