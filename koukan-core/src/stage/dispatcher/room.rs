//! Room for attempts.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long to wait for more free places when there are only few.
const LINGER: Duration = Duration::from_millis(100);

/// How many companions may be attempted for each place, which also limits their memory.
const BESIDE_EACH: usize = 99;
/// The limit for all places together.
const BESIDE_MAX: usize = 2000;
/// How many transactions may be told of with others, however many places there are. A notification takes no longer than
/// its commit.
const TOLD_BESIDE: usize = 2000;

/// Places for attempts, for due transactions and suspects together. Clones share them.
///
/// The places are taken before the leases: a lease that waited for a place would notice neither a
/// cancel nor a stop.
#[derive(Debug, Clone)]
pub(super) struct Room {
    max: usize,
    free: Arc<Semaphore>,
    /// For attempts that go with others.
    beside: Arc<Semaphore>,
    /// For transactions that are told of with others.
    told: Arc<Semaphore>,
}

/// Some places, which become free when this is dropped.
#[derive(Debug)]
pub(super) struct Places(Option<OwnedSemaphorePermit>);

impl Room {
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        let beside = max.saturating_mul(BESIDE_EACH).min(BESIDE_MAX);
        let semaphore = |max: usize| Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        Self {
            max,
            free: semaphore(max),
            beside: semaphore(beside),
            told: semaphore(TOLD_BESIDE),
        }
    }

    /// How many places there are.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Waits for a place.
    pub(super) async fn one(&self) -> Places {
        self.places(1).await
    }

    /// Waits for a place, and takes all that are free.
    ///
    /// Leases are taken many at a time, since a look at the queue for each attempt would cost more
    /// than the attempt. But attempts that hang must not keep others from using the room that is
    /// left.
    pub(super) async fn all_free(&self) -> Places {
        let few = self.max.div_ceil(4);
        let mut all = match timeout(LINGER, self.places(few)).await {
            Ok(places) => places,
            // Little room will do as well.
            Err(_) => self.one().await,
        };
        let rest = count(self.free.available_permits());
        if let (Places(Some(all)), Ok(rest)) = (
            &mut all,
            Arc::clone(&self.free).try_acquire_many_owned(rest),
        ) {
            all.merge(rest);
        }
        all
    }

    /// All free room for companions of attempts.
    pub(super) fn beside(&self) -> Places {
        all_of(&self.beside)
    }

    /// All free room for companions in notifications.
    pub(super) fn told(&self) -> Places {
        all_of(&self.told)
    }

    async fn places(&self, wanted: usize) -> Places {
        let places = Arc::clone(&self.free).acquire_many_owned(count(wanted));
        // It is never closed.
        Places(places.await.ok())
    }
}

impl Places {
    /// Gives all of them back.
    pub(super) fn give_back(&mut self) {
        let Self(places) = self;
        drop(places.take());
    }

    pub(super) fn none() -> Self {
        Self(None)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let Self(places) = self;
        places.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Takes one of them.
    pub(super) fn take(&mut self) -> Self {
        self.split(1)
    }

    /// Takes so many of them, as far as they go.
    pub(super) fn split(&mut self, wanted: usize) -> Self {
        let wanted = wanted.min(self.len());
        let Self(places) = self;
        Self(places.as_mut().and_then(|places| places.split(wanted)))
    }
}

fn all_of(room: &Arc<Semaphore>) -> Places {
    let free = count(room.available_permits());
    Places(Arc::clone(room).try_acquire_many_owned(free).ok())
}

/// As the semaphore counts; nobody has room for more.
fn count(places: usize) -> u32 {
    u32::try_from(places).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_that_are_free_are_taken_and_at_least_one() {
        let room = Room::new(8);
        let mut all = room.all_free().await;
        assert_eq!(all.len(), 8);
        let one = all.take();
        assert_eq!((one.len(), all.len()), (1, 7));
        drop(one);
        // Fewer than are waited for.
        assert_eq!(room.all_free().await.len(), 1);
        drop(all);
        assert_eq!(room.all_free().await.len(), 8);
    }

    #[test]
    fn attempts_beside_others_take_no_place_and_wait_for_none() {
        let room = Room::new(2);
        let mut beside = room.beside();
        assert_eq!(beside.len(), 198);
        assert_eq!(room.beside().len(), 0);
        let one = beside.take();
        drop(beside);
        assert_eq!(room.beside().len(), 197);
        drop(one);
        assert_eq!(Room::new(usize::MAX).beside().len(), 2000);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_always_one_and_never_too_many() {
        assert_eq!(Room::new(0).all_free().await.len(), 1);
        let huge = Room::new(usize::MAX);
        assert!(huge.all_free().await.len() >= 1 << 31);
    }
}
