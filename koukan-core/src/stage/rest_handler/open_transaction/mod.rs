//! A transaction that requests are still making.

mod attend;
mod keys;
mod registry;
mod replaced_blobs;

pub(super) use self::{attend::attend, keys::Known, registry::Registry};

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    incoming_blob::{IncomingBlob, Replaced},
    storage::{
        CustodyError, Recorder,
        record::{IdempotencyKey, Terms},
    },
};

use self::replaced_blobs::ReplacedBlobs;

use super::{Dialect, unfinished_uploads::Upload};

/// The name under which the message itself is uploaded.
pub(super) const MESSAGE: &str = "";

/// A transaction that requests are still making; it outlives each of them.
pub(super) struct OpenTransaction {
    pub(super) recorder: Recorder,
    pub(super) dialect: Dialect,
    terms: Terms,
    /// Its idempotency key while nothing is committed.
    key: Option<IdempotencyKey>,
    /// Held while commands are added or the message is completed.
    pub(super) changing: tokio::sync::Mutex<Progress>,
    /// The blobs that are uploaded: the message as [`MESSAGE`], or its parts by their names.
    uploads: Mutex<BTreeMap<Box<str>, Arc<IncomingBlob>>>,
    touched: Mutex<Instant>,
    /// Counts the transaction until its message has arrived.
    unfinished: Mutex<Option<Upload>>,
    /// Blobs that were replaced and that the attempt may still read.
    pub(super) replaced_blobs: ReplacedBlobs,
}

/// How far a transaction has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) has_body: bool,
    is_committed: bool,
}

impl OpenTransaction {
    pub(super) fn new(
        recorder: Recorder,
        dialect: Dialect,
        terms: Terms,
        key: Option<IdempotencyKey>,
    ) -> Self {
        Self {
            recorder,
            dialect,
            terms,
            key,
            changing: tokio::sync::Mutex::default(),
            uploads: Mutex::default(),
            touched: Mutex::new(Instant::now()),
            unfinished: Mutex::default(),
            replaced_blobs: ReplacedBlobs::default(),
        }
    }

    fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// How many octets of the message were uploaded, if it is complete.
    fn uploaded(&self) -> Option<u64> {
        let message = self.upload(MESSAGE)?;
        message.blob().len().map(|_| message.whole().len)
    }

    pub(super) fn is_incremental(&self) -> bool {
        self.dialect == Dialect::Incremental
    }

    /// The upload with that name, if there is one.
    pub(super) fn upload(&self, name: &str) -> Option<Arc<IncomingBlob>> {
        self.lock_uploads().get(name).cloned()
    }

    /// Expects the upload with that name, which is the name of a part or [`MESSAGE`].
    pub(super) fn expect(&self, name: &str, max_octets: u64) -> Arc<IncomingBlob> {
        let mut uploads = self.lock_uploads();
        let incoming = uploads.entry(name.into()).or_insert_with(|| {
            let account = self.recorder.account();
            Arc::new(IncomingBlob::new(account, name == MESSAGE, max_octets))
        });
        Arc::clone(incoming)
    }

    /// Replaces the upload with that name by another blob: an attempt that reads the old one begins
    /// again.
    pub(super) fn replace(&self, name: &str, replaced: Replaced) {
        self.recorder.replace_blob(name, replaced.blob);
        self.replaced_blobs.add(replaced.old);
    }

    /// Counts the transaction as one whose message is still to come.
    pub(super) fn count(&self, upload: Upload) {
        let slot = self.unfinished.lock();
        *slot.unwrap_or_else(PoisonError::into_inner) = Some(upload);
    }

    /// Notes that the transaction was made: what it displaces gives way.
    pub(super) fn confirm_count(&self) {
        let counted = self.unfinished.lock();
        let counted = counted.unwrap_or_else(PoisonError::into_inner);
        if let Some(upload) = &*counted {
            upload.confirm();
        }
    }

    /// Notes that all its recipients were refused before its message arrived. Returns what is
    /// notified when it must give way to other uploads.
    fn refused(&self) -> Option<Arc<Notify>> {
        let counted = self.unfinished.lock();
        let counted = counted.unwrap_or_else(PoisonError::into_inner);
        counted.as_ref().map(Upload::refused)
    }

    /// Notes that the originator is present.
    pub(super) fn touch(&self) {
        *self.lock_touched() = Instant::now();
    }

    /// Ready when the originator has been silent for that long; never if nothing is expected from
    /// it.
    pub(super) async fn silent(&self, timeout: Duration) {
        if !self.is_incremental() {
            return pending().await;
        }
        loop {
            let deadline = *self.lock_touched() + timeout;
            if deadline <= Instant::now() {
                if self.recorder.is_complete() {
                    return pending().await;
                }
                return;
            }
            sleep_until(deadline).await;
        }
    }

    /// Commits a transaction that is complete when it is created.
    pub(super) async fn commit_new(&self, key: Option<IdempotencyKey>) -> Result<(), CustodyError> {
        let mut progress = self.changing.lock().await;
        self.recorder.commit(self.terms, key).await?;
        progress.is_committed = true;
        Ok(())
    }

    /// Commits transactions that are complete when they are created: all of them or none. The first has the
    /// idempotency key.
    pub(super) async fn commit_all(
        all: &[&Self],
        terms: Terms,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        let recorders: Vec<_> = all.iter().map(|one| &one.recorder).collect();
        Recorder::commit_all(&recorders, terms, key).await?;
        for one in all {
            // Nobody else knows of them yet.
            *one.changing.lock().await = Progress {
                has_body: true,
                is_committed: true,
            };
        }
        Ok(())
    }

    /// Commits a transaction of the whole dialect whose message is complete now, once. Returns
    /// whether this call did it.
    pub(super) async fn complete(&self) -> Result<bool, CustodyError> {
        let mut progress = self.changing.lock().await;
        if self.is_incremental() || progress.is_committed || !self.recorder.is_complete() {
            return Ok(false);
        }
        // Nothing is replaced any more. An attempt that reads a replaced blob is not an attempt at
        // the committed transaction.
        self.replaced_blobs.gone().await;
        self.recorder.commit(self.terms, None).await?;
        progress.is_committed = true;
        let counted = self.unfinished.lock();
        drop(counted.unwrap_or_else(PoisonError::into_inner).take());
        Ok(true)
    }

    fn lock_uploads(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<IncomingBlob>>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_touched(&self) -> MutexGuard<'_, Instant> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
