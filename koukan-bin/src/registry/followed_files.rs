//! Files that are read again when they change, and files that are written at intervals.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use koukan_core::blocking::BlockingPool;

use crate::stamps::Stamps;

/// Files that were read, and what to do when one of them changes; also other work of filters that is done at
/// intervals. Clones share the list.
#[derive(Clone, Default)]
pub(crate) struct FollowedFiles(Arc<Mutex<Vec<Arc<Chore>>>>);

/// Work that is done repeatedly, by one thread at a time.
struct Chore {
    work: Box<dyn Fn() + Send + Sync>,
    is_under_way: AtomicBool,
}

impl FollowedFiles {
    /// Calls `changed` when files differ from their `stamps`, which were taken before the files were read.
    pub(crate) fn follow(&self, stamps: Stamps, changed: impl FnMut(&Path) + Send + 'static) {
        let followed = Mutex::new((stamps, changed));
        self.keep_up(move || {
            // Only this piece of work takes the lock.
            let mut followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
            let (stamps, changed) = &mut *followed;
            if let Some(file) = stamps.changed() {
                changed(file);
            }
        });
    }

    /// Does `work` whenever files are checked.
    pub(crate) fn keep_up(&self, work: impl Fn() + Send + Sync + 'static) {
        let chore = Chore {
            work: Box::new(work),
            is_under_way: AtomicBool::new(false),
        };
        self.lock().push(Arc::new(chore));
    }

    /// Begins to check all files, on threads where that holds up nobody. Work that is still running since the last
    /// time goes on, and the rest does not wait for it.
    pub(crate) fn look(&self, pool: &BlockingPool) {
        for chore in self.chores() {
            if chore.is_under_way.swap(true, Ordering::AcqRel) {
                continue;
            }
            let (done, pool) = (Done(Arc::clone(&chore)), pool.clone());
            tokio::spawn(async move {
                let worked = pool.run(move || (chore.work)()).await;
                drop(done);
                if worked.is_err() {
                    tracing::error!("a file of a filter could not be looked at");
                }
            });
        }
    }

    /// Does all work for a last time and waits for it, so that what is written at intervals is written.
    pub(crate) async fn finish(&self, pool: &BlockingPool) {
        for chore in self.chores() {
            // A panic has already been logged.
            let _ = pool.run(move || (chore.work)()).await;
        }
    }

    /// Checks all files, one after the other.
    #[cfg(test)]
    pub(crate) fn look_here(&self) {
        self.chores().iter().for_each(|chore| (chore.work)());
    }

    fn chores(&self) -> Vec<Arc<Chore>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Chore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the work as no longer running when it is dropped.
struct Done(Arc<Chore>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.is_under_way.store(false, Ordering::Release);
    }
}

impl fmt::Debug for FollowedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FollowedFiles")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZeroUsize, sync::mpsc};

    use super::*;

    #[test]
    fn who_has_read_a_file_hears_of_its_change_once() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        let (tell, told) = mpsc::sync_channel(9);
        let files = FollowedFiles::default();
        for file in [&one, &other] {
            fs::write(file, "a").unwrap();
            let tell = tell.clone();
            let stamps = Stamps::new([file.clone()]);
            files.follow(stamps, move |file| tell.send(file.to_owned()).unwrap());
        }
        files.look_here();
        fs::write(&other, "bb").unwrap();
        files.look_here();
        files.look_here();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [other]);
    }

    #[tokio::test]
    async fn a_file_that_takes_long_holds_up_no_other_and_nobody_who_adds_one() {
        let files = FollowedFiles::default();
        let pool = BlockingPool::new(NonZeroUsize::new(2).unwrap());
        let (release, held) = mpsc::sync_channel::<()>(0);
        let held = Mutex::new(held);
        let (began, mut beginning) = tokio::sync::mpsc::channel(9);
        files.keep_up(move || {
            began.try_send(()).unwrap();
            held.lock().unwrap().recv().unwrap();
        });
        let (tell, mut told) = tokio::sync::mpsc::channel(9);
        files.keep_up(move || {
            let _ = tell.try_send(());
        });
        files.look(&pool);
        beginning.recv().await.unwrap();
        told.recv().await.unwrap();
        // The first one is still running, and is not started again.
        files.keep_up(|| {});
        // The other one may still be marked as running for a moment.
        while told.try_recv().is_err() {
            files.look(&pool);
            tokio::task::yield_now().await;
        }
        assert!(beginning.try_recv().is_err());
        release.send(()).unwrap();
        loop {
            files.look(&pool);
            tokio::task::yield_now().await;
            if beginning.try_recv().is_ok() {
                break;
            }
        }
        release.send(()).unwrap();
    }
}
