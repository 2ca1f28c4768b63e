//! The number of attempts at each destination.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use crate::storage::record::SchedulingKey;

use super::room::Places;

/// How long to wait for further attempts to end after one has ended.
const LINGER: Duration = Duration::from_millis(100);

/// The attempts under way, by destination. Clones share them.
///
/// A destination has at most as many places as are left free beside it, and at least one. So a
/// destination that hangs delays only itself, and half of what it leaves is free for others.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowds(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Notified when a place becomes free.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    by_destination: HashMap<SchedulingKey, usize>,
    /// How often a place has become free so far.
    freed: u64,
}

/// What may be leased with this many free places.
#[derive(Debug)]
pub(super) struct Share {
    /// Destinations that have as many as they may.
    pub(super) full: Vec<SchedulingKey>,
    /// How many more may be leased, even if all of them are for one other destination.
    pub(super) count: usize,
}

/// An attempt under way, and its place, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    crowds: Crowds,
    /// `None` for work that goes to no destination.
    destination: Option<SchedulingKey>,
    place: Places,
}

impl Crowds {
    /// Counts an attempt, which has a place; what is no attempt goes nowhere.
    pub(super) fn enter(&self, destination: Option<SchedulingKey>, place: Places) -> UnderWay {
        if let Some(destination) = &destination {
            let mut counts = self.lock();
            match counts.by_destination.get_mut(destination) {
                Some(count) => *count += 1,
                None => {
                    counts.by_destination.insert(destination.clone(), 1);
                }
            }
        }
        UnderWay {
            crowds: self.clone(),
            destination,
            place,
        }
    }

    /// What may be leased with `free` free places.
    pub(super) fn share(&self, free: usize) -> Share {
        let counts = self.lock();
        let mut full = Vec::new();
        let mut most = 0;
        for (destination, count) in &counts.by_destination {
            if *count >= free {
                full.push(destination.clone());
            } else {
                most = most.max(*count);
            }
        }
        Share {
            full,
            count: (free.saturating_sub(most) / 2).max(1),
        }
    }

    /// How often a place was free again so far.
    pub(super) fn freed(&self) -> u64 {
        self.lock().freed
    }

    /// Says that a place is free again.
    pub(super) fn free(&self) {
        self.lock().freed += 1;
        self.0.freed.notify_waiters();
    }

    /// Waits until a place has become free since there were `before`, and a little longer, unless
    /// `many` have: a look at the queue for each of them would cost more than the attempt.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub(super) async fn eased(&self, before: u64, many: usize) {
        self.freed_since(before, 1).await;
        tokio::select! {
            biased;
            () = self.freed_since(before, many as u64) => {}
            () = sleep(LINGER) => {}
        }
    }

    async fn freed_since(&self, before: u64, count: u64) {
        loop {
            // Registered before looking, so that what is free in between is not missed.
            let freed = self.0.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.freed() - before >= count {
                return;
            }
            freed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        let counts = self.0.counts.lock();
        counts.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(destination) = &self.destination {
            let mut counts = self.crowds.lock();
            if let Some(count) = counts.by_destination.get_mut(destination) {
                *count -= 1;
                if *count == 0 {
                    counts.by_destination.remove(destination);
                }
            }
        }
        // Before others are told of it.
        self.place.give_back();
        self.crowds.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, Sender};

    fn destination(name: &str) -> Option<SchedulingKey> {
        let context = Context::new(Sender::new(name));
        Some(SchedulingKey::of(&context, &[]))
    }

    fn enter(crowds: &Crowds, destination: Option<SchedulingKey>) -> UnderWay {
        crowds.enter(destination, Places::none())
    }

    #[test]
    fn each_has_as_many_as_are_free_beside_it() {
        let crowds = Crowds::default();
        let (a, b) = (destination("a"), destination("b"));
        let first: Vec<_> = (0..4).map(|_| enter(&crowds, a.clone())).collect();
        let second = enter(&crowds, b.clone());
        let none = enter(&crowds, None);
        let full = |free| crowds.share(free).full;
        assert!(full(5).is_empty());
        assert_eq!(full(4), Vec::from_iter(a));
        assert_eq!(full(1).len(), 2);
        drop(first);
        assert_eq!(full(1), Vec::from_iter(b));
        assert_eq!(crowds.freed(), 4);
        drop((second, none));
        assert!(full(0).is_empty());
        assert_eq!(crowds.freed(), 6);
    }

    /// Also where all that is due first is for the same destination, and one of its attempts has
    /// ended.
    #[test]
    fn none_has_more_than_that_by_one_look() {
        for places in 1..50_usize {
            for under_way in 0..places {
                let crowds = Crowds::default();
                let held: Vec<_> = (0..under_way)
                    .map(|_| enter(&crowds, destination("a")))
                    .collect();
                let free = places - under_way;
                let share = crowds.share(free);
                if share.full.is_empty() {
                    // One at least, since it may be for any.
                    let after = under_way + share.count;
                    let is_fair = share.count == 1 || after <= free - share.count;
                    assert!(is_fair, "{places} {under_way}");
                } else {
                    assert!(under_way >= free);
                }
                drop(held);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_places_are_seen_at_once_and_few_a_little_later() {
        let crowds = Crowds::default();
        for (ended, many, waited) in [(1, 2, LINGER), (2, 2, Duration::ZERO)] {
            // Notifications, too, leave places to others.
            let under_way = [destination("a"), None, destination("a")];
            let under_way = under_way.map(|to| enter(&crowds, to));
            let before = crowds.freed();
            let mut under_way = under_way.into_iter();
            // Also what ends before it is waited for.
            under_way.by_ref().take(ended).for_each(drop);
            let begun = tokio::time::Instant::now();
            crowds.eased(before, many).await;
            assert_eq!(begun.elapsed(), waited);
        }
    }
}
