//! Blobs that were replaced while an attempt may have read them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::blob::BlobWriter;

/// The writers of replaced blobs, as long as an attempt may be reading those blobs.
///
/// While its writer exists a blob does not end, so the attempt neither completes with outdated
/// content nor fails because of it. The attempt is stopped, and only then do the blobs end.
#[derive(Default)]
pub(in super::super) struct ReplacedBlobs {
    /// `None` while there is no attempt.
    writers: Mutex<Option<Vec<BlobWriter>>>,
    added: Notify,
    gone: Notify,
}

/// An attempt is under way until this is dropped.
pub(in super::super) struct Reading<'a>(&'a ReplacedBlobs);

impl ReplacedBlobs {
    /// Says that an attempt is under way.
    pub(in super::super) fn reading(&self) -> Reading<'_> {
        self.lock().get_or_insert_default();
        Reading(self)
    }

    /// Adds the writer of a replaced blob. If no attempt is under way, the blob ends at once.
    pub(super) fn add(&self, writer: BlobWriter) {
        match &mut *self.lock() {
            Some(writers) => writers.push(writer),
            None => return,
        }
        self.added.notify_one();
    }

    /// Ready when no attempt reads a replaced blob.
    ///
    /// The attempt stops as soon as there is a replaced blob, and then waits for nobody.
    pub(super) async fn gone(&self) {
        let is_there = || {
            self.lock()
                .as_ref()
                .is_some_and(|writers| !writers.is_empty())
        };
        loop {
            let gone = self.gone.notified();
            tokio::pin!(gone);
            gone.as_mut().enable();
            if !is_there() {
                return;
            }
            gone.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<BlobWriter>>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading<'_> {
    /// Ready when the attempt may be reading a replaced blob.
    pub(in super::super) async fn is_stale(&self) {
        loop {
            let added = self.0.added.notified();
            if self
                .0
                .lock()
                .as_ref()
                .is_some_and(|writers| !writers.is_empty())
            {
                return;
            }
            added.await;
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let writers = self.0.lock().take();
        drop(writers);
        self.0.gone.notify_waiters();
    }
}
