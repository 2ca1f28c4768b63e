//! Room for attempts.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long attempts may go on before the queue is looked at for the little room that is left.
const LINGER: Duration = Duration::from_millis(100);

/// Places for attempts, of those that are due and of suspects together; clones share them.
///
/// Whoever leases has the places first: a lease that waited for one would be held by somebody who
/// hears neither of a cancel nor of a stop.
#[derive(Debug, Clone)]
pub(super) struct Room {
    max: usize,
    free: Arc<Semaphore>,
}

/// Places for some attempts, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Places(Option<OwnedSemaphorePermit>);

impl Room {
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(max));
        Self { max, free }
    }

    /// How many places there are.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Waits for a place.
    pub(super) async fn one(&self) -> Places {
        self.places(1).await
    }

    /// Waits for a place, and takes half of those that are free; how many are free beside them.
    ///
    /// Leases are taken many at a time: a look at the queue for each attempt that ends would cost
    /// more than the attempt. But what hangs must not keep others from the room that is left, and what
    /// is due first may all be for the same destination: it is not to have all.
    pub(super) async fn half_of_free(&self) -> (Places, usize) {
        let few = self.max.div_ceil(4);
        let mut free = match timeout(LINGER, self.places(few)).await {
            Ok(places) => places,
            // Little room will do as well.
            Err(_) => self.one().await,
        };
        let rest = count(self.free.available_permits());
        if let (Places(Some(free)), Ok(rest)) = (
            &mut free,
            Arc::clone(&self.free).try_acquire_many_owned(rest),
        ) {
            free.merge(rest);
        }
        let half = free.split(free.len().div_ceil(2));
        (half, free.len())
    }

    async fn places(&self, wanted: usize) -> Places {
        let places = Arc::clone(&self.free).acquire_many_owned(count(wanted));
        // It is never closed.
        Places(places.await.ok())
    }
}

impl Places {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let Self(places) = self;
        places.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Takes one of them.
    pub(super) fn take(&mut self) -> Self {
        self.split(1)
    }

    fn split(&mut self, wanted: usize) -> Self {
        let Self(places) = self;
        Self(places.as_mut().and_then(|places| places.split(wanted)))
    }
}

/// As the semaphore counts; nobody has room for more.
fn count(places: usize) -> u32 {
    u32::try_from(places).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn half_of_those_that_are_free_are_taken_and_at_least_one() {
        let room = Room::new(9);
        let (mut first, beside) = room.half_of_free().await;
        assert_eq!((first.len(), beside), (5, 4));
        let one = first.take();
        assert_eq!((one.len(), first.len()), (1, 4));
        let (second, beside) = room.half_of_free().await;
        assert_eq!((second.len(), beside), (2, 2));
        let (third, beside) = room.half_of_free().await;
        assert_eq!((third.len(), beside), (1, 1));
        let (fourth, beside) = room.half_of_free().await;
        assert_eq!((fourth.len(), beside), (1, 0));
        drop(one);
        assert_eq!(room.half_of_free().await.0.len(), 1);
        drop((first, second, third, fourth));
        assert_eq!(room.half_of_free().await.0.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_always_one_and_never_too_many() {
        assert_eq!(Room::new(0).half_of_free().await.0.len(), 1);
        let huge = Room::new(usize::MAX);
        assert!(huge.half_of_free().await.0.len() >= 1 << 30);
    }
}
