//! Threads for work that blocks, or computes for so long that it would delay other tasks.

use std::{num::NonZeroUsize, sync::Arc, thread};

use tokio::{sync::Semaphore, task::spawn_blocking};

/// Runs work in threads, with a limit for how much runs at a time. Clones share the limit.
///
/// The threads are those of the tokio runtime in which [`run`](Self::run) is called.
///
/// # Example
///
/// ```
/// use koukan_core::blocking::BlockingPool;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let pool = BlockingPool::default();
/// let sum = pool.run(|| (1..=1_000_u64).sum::<u64>()).await?;
/// assert_eq!(sum, 500_500);
/// # Ok::<(), koukan_core::blocking::WorkLost>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct BlockingPool {
    threads: NonZeroUsize,
    room: Arc<Semaphore>,
}

/// The work panicked, or the runtime ended before the work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("work on a blocking thread was lost")]
pub struct WorkLost;

impl BlockingPool {
    /// A pool that runs at most `threads` pieces of work at a time.
    pub fn new(threads: NonZeroUsize) -> Self {
        let permits = threads.get().min(Semaphore::MAX_PERMITS);
        Self {
            threads,
            room: Arc::new(Semaphore::new(permits)),
        }
    }

    /// How many pieces of work run at a time.
    pub fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// Runs work in a thread, as soon as there is room, and returns its result.
    ///
    /// # Errors
    ///
    /// [`WorkLost`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for room, the work is not started. Work that has
    /// started runs to its end, and uses its place until then.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkLost> {
        let permit = Arc::clone(&self.room).acquire_owned().await;
        let permit = permit.expect("nobody closes the semaphore");
        let working = spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        working.await.map_err(|_| WorkLost)
    }
}

/// As many pieces of work at a time as there are processors.
impl Default for BlockingPool {
    fn default() -> Self {
        Self::new(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use futures_util::future::join_all;

    use super::*;

    fn pool(threads: usize) -> BlockingPool {
        BlockingPool::new(NonZeroUsize::new(threads).unwrap())
    }

    fn unwanted() {
        panic!("it is not begun");
    }

    #[tokio::test]
    async fn so_much_work_is_done_at_a_time() {
        let pool = pool(2);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let both = Arc::new(Barrier::new(2));
        let works = (0..6).map(|number| {
            let (now, most, both) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&both));
            pool.run(move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Each waits for the other: one thread would not be enough.
                both.wait();
                now.fetch_sub(1, Ordering::SeqCst);
                number
            })
        });
        let done: Result<Vec<_>, _> = join_all(works).await.into_iter().collect();
        assert_eq!(done.unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn work_that_panics_costs_nobody_else_anything() {
        let pool = pool(1);
        for _ in 0..3 {
            let lost = pool.run(|| panic!("this is what the test is about")).await;
            assert_eq!(lost, Err::<(), _>(WorkLost));
        }
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_counts_until_it_ends() {
        let pool = pool(1);
        let (end, ended) = mpsc::sync_channel::<()>(1);
        let begun = pool.run(move || ended.recv());
        tokio::select! {
            biased;
            _ = begun => panic!("it cannot have ended"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(pool.room.available_permits(), 0);
        // This work is neither started nor counted.
        let waiting = pool.run(unwanted);
        tokio::select! {
            biased;
            _ = waiting => panic!("there is no room"),
            () = tokio::task::yield_now() => {}
        }
        end.send(()).unwrap();
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }
}
