//! Limits attempts from the queue at a host, so that clients that wait get connections.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// How many of a host's connections are used for attempts from the queue; waiters are served in turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    taken: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
}

/// The right of an attempt from the queue to use a connection, until this is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Queue>);

/// How many of that many connections attempts from the queue may have: all but an eighth, and all
/// but one at least if there are several.
pub(super) fn queued_max(connections: usize) -> usize {
    match connections {
        0 | 1 => connections,
        _ => connections - connections.div_ceil(8),
    }
}

impl Queue {
    /// Takes a place, if one is free and nobody waits.
    pub(super) fn try_enter(self: &Arc<Self>, max: impl Fn() -> usize) -> Option<Place> {
        let is_free = self.waiting.load(Ordering::Relaxed) == 0;
        is_free.then(|| self.take(max())).flatten()
    }

    /// Waits for a place; `max` gives the present number of places.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it ends, it takes no place, and the next in turn gets it.
    pub(super) async fn enter(self: &Arc<Self>, max: impl Fn() -> usize) -> Place {
        let waits = Waits::begin(self);
        // Nobody overtakes a waiter. A place that becomes free between this and the next line is
        // kept for the next line.
        let mut entered = (!waits.is_behind).then(|| self.take(max())).flatten();
        loop {
            if let Some(place) = entered {
                drop(waits);
                if self.taken.load(Ordering::Relaxed) < max() {
                    // There may be a place for the next in turn as well.
                    self.grew(1);
                }
                return place;
            }
            self.freed.notified().await;
            entered = self.take(max());
        }
    }

    /// Wakes waiters, since there may be more places.
    pub(super) fn grew(&self, by: usize) {
        for _ in 0..by.min(self.waiting.load(Ordering::Relaxed)) {
            self.freed.notify_one();
        }
    }

    fn take(self: &Arc<Self>, max: usize) -> Option<Place> {
        let enter = |taken| (taken < max).then_some(taken + 1);
        let entered = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter);
        entered.ok().map(|_| Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(queue) = self;
        queue.taken.fetch_sub(1, Ordering::Relaxed);
        queue.freed.notify_one();
    }
}

/// A waiter, or somebody who is about to wait.
struct Waits<'a> {
    queue: &'a Queue,
    /// Whether others waited before.
    is_behind: bool,
}

impl<'a> Waits<'a> {
    fn begin(queue: &'a Queue) -> Self {
        let is_behind = queue.waiting.fetch_add(1, Ordering::Relaxed) > 0;
        Self { queue, is_behind }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::pin, task::Poll};

    use super::*;

    async fn is_ready<T>(waiting: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut waiting = Some(waiting);
        std::future::poll_fn(|cx| {
            let waiting = waiting.take().expect("it is polled once");
            Poll::Ready(match waiting.poll(cx) {
                Poll::Ready(value) => Some(value),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[test]
    fn an_eighth_is_left_to_others() {
        let max = [0, 1, 2, 3, 8, 9, 16, 17, 100].map(queued_max);
        assert_eq!(max, [0, 1, 1, 2, 7, 7, 14, 14, 87]);
    }

    #[tokio::test]
    async fn who_waits_is_served_in_turn() {
        let queue = Arc::new(Queue::default());
        let first = queue.enter(|| 1).await;
        let mut second = pin!(queue.enter(|| 1));
        assert!(is_ready(second.as_mut()).await.is_none());
        let third = queue.enter(|| 1);
        {
            let mut gone = Box::pin(queue.enter(|| 1));
            assert!(is_ready(gone.as_mut()).await.is_none());
        }
        drop(first);
        let mut third = pin!(third);
        assert!(
            is_ready(third.as_mut()).await.is_none(),
            "it is not passed by"
        );
        let place = is_ready(second).await.unwrap();
        assert!(is_ready(third.as_mut()).await.is_none());
        drop(place);
        assert!(is_ready(third).await.is_some());
    }

    #[tokio::test]
    async fn who_is_gone_takes_no_turn() {
        let queue = Arc::new(Queue::default());
        let first = queue.enter(|| 1).await;
        let mut gone = Box::pin(queue.enter(|| 1));
        assert!(is_ready(gone.as_mut()).await.is_none());
        let mut second = pin!(queue.enter(|| 1));
        assert!(is_ready(second.as_mut()).await.is_none());
        drop(first);
        drop(gone);
        assert!(is_ready(second).await.is_some());
    }

    #[tokio::test]
    async fn there_may_be_more_later() {
        let queue = Arc::new(Queue::default());
        let most = AtomicUsize::new(1);
        let max = || most.load(Ordering::Relaxed);
        let _first = queue.enter(max).await;
        let mut second = pin!(queue.enter(max));
        let mut third = pin!(queue.enter(max));
        assert!(is_ready(second.as_mut()).await.is_none());
        assert!(is_ready(third.as_mut()).await.is_none());
        most.store(3, Ordering::Relaxed);
        queue.grew(1);
        let _second = is_ready(second).await.unwrap();
        assert!(is_ready(third).await.is_some(), "one tells the next");
    }
}
