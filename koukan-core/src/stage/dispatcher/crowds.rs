//! How many attempts go to each destination.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use crate::storage::record::Destination;

/// How long others are waited for when an attempt has ended.
const LINGER: Duration = Duration::from_millis(100);

/// Attempts under way, by destination; clones share them.
///
/// No destination has more places than are free beside it, but for the first: so what hangs at one
/// holds up that one, and as many as there are places in powers of two may hang before there is but
/// one place for all others.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowds(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Told when an attempt has ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    by_destination: HashMap<Destination, usize>,
    /// Attempts that have ended, of all time.
    ended: u64,
}

/// The destinations that have their share.
#[derive(Debug)]
pub(super) struct Full {
    pub(super) destinations: Vec<Destination>,
    /// [`Counts::ended`] when they had it.
    ended: u64,
}

/// One attempt under way, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    crowds: Crowds,
    destination: Option<Destination>,
}

impl Crowds {
    /// Counts an attempt; what is no attempt goes nowhere.
    pub(super) fn enter(&self, destination: Option<Destination>) -> UnderWay {
        if let Some(destination) = &destination {
            let mut counts = self.lock();
            let counted = counts.by_destination.get_mut(destination);
            match counted {
                Some(count) => *count += 1,
                None => {
                    counts.by_destination.insert(destination.clone(), 1);
                }
            }
        }
        UnderWay {
            crowds: self.clone(),
            destination,
        }
    }

    /// The destinations that have their share, where so many places are free.
    pub(super) fn full(&self, free: usize) -> Full {
        let counts = self.lock();
        let full = counts.by_destination.iter();
        let full = full.filter(|(_, count)| **count >= free);
        Full {
            destinations: full.map(|(destination, _)| destination.clone()).collect(),
            ended: counts.ended,
        }
    }

    /// Waits until an attempt has ended since those were full, and a little longer unless `many`
    /// have: a look at the queue for each of them would cost more than the attempt.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub(super) async fn eased(&self, full: &Full, many: usize) {
        self.ended_since(full.ended, 1).await;
        tokio::select! {
            () = self.ended_since(full.ended, many as u64) => {}
            () = sleep(LINGER) => {}
        }
    }

    async fn ended_since(&self, before: u64, count: u64) {
        loop {
            // Registered before looking, so that what ends in between is not missed.
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.lock().ended - before >= count {
                return;
            }
            ended.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        let counts = self.0.counts.lock();
        counts.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Some(destination) = &self.destination else {
            return;
        };
        {
            let mut counts = self.crowds.lock();
            counts.ended += 1;
            if let Some(count) = counts.by_destination.get_mut(destination) {
                *count -= 1;
                if *count == 0 {
                    counts.by_destination.remove(destination);
                }
            }
        }
        self.crowds.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Sender};

    fn destination(name: &str) -> Option<Destination> {
        let context = Context::new(Sender::new(name));
        Some(Destination::of(&context, &[]))
    }

    #[test]
    fn each_has_as_many_as_are_free_beside_it() {
        let crowds = Crowds::default();
        let (a, b) = (destination("a"), destination("b"));
        let first: Vec<_> = (0..4).map(|_| crowds.enter(a.clone())).collect();
        let second = crowds.enter(b.clone());
        let none = crowds.enter(None);
        let full = |free| crowds.full(free).destinations;
        assert!(full(5).is_empty());
        assert_eq!(full(4), Vec::from_iter(a));
        assert_eq!(full(1).len(), 2);
        drop(first);
        assert_eq!(full(1), Vec::from_iter(b));
        drop((second, none));
        assert!(full(0).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_end_are_seen_at_once_and_few_a_little_later() {
        let crowds = Crowds::default();
        for (ended, many, waited) in [(1, 2, LINGER), (2, 2, Duration::ZERO)] {
            let under_way: Vec<_> = (0..3).map(|_| crowds.enter(destination("a"))).collect();
            let full = crowds.full(1);
            let mut under_way = under_way.into_iter();
            // Also what ends before it is waited for.
            under_way.by_ref().take(ended).for_each(drop);
            let begun = tokio::time::Instant::now();
            crowds.eased(&full, many).await;
            assert_eq!(begun.elapsed(), waited);
        }
    }
}
