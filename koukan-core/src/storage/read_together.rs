//! Small messages that were leased together, and are read together.
//!
//! To ask a backend for each would cost as much again as the attempt's own writes. So whoever asks for the
//! first of them has all read that are still wanted, and the others find theirs in memory:
//!
//! | who asks | finds |
//! |---|---|
//! | the first | nothing yet: all are read in one go |
//! | others meanwhile | the same read, which each of them drives |
//! | others later | the octets, which then are theirs alone |
//! | whoever asks again, or where they could not be kept or read | the backend, as without all this |

use std::{collections::BTreeMap, io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::future::{FutureExt, Shared};

use crate::{
    blob::{Account, Backing, Blob, BlobId, Payer},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{Backend, Lease, Storage};

/// Octets of a message that is read with others, at most.
const SMALL: u64 = 16 << 10;
/// Messages that are read at a time, at most.
const TOGETHER_MAX: usize = 64;

impl Storage {
    /// Has small messages of these be read together, once somebody asks for one of them.
    pub(super) fn read_together(&self, leases: Vec<Lease>) -> Vec<Lease> {
        let blobs = leases.iter().filter_map(small_blob);
        let blobs: Vec<_> = blobs.collect();
        for together in blobs.chunks(TOGETHER_MAX) {
            if together.len() > 1 {
                self.bind_together(together);
            }
        }
        leases
    }

    fn bind_together(&self, blobs: &[Blob]) {
        let mut wanted = BTreeMap::new();
        for blob in blobs {
            wanted.entry(blob.id()).or_insert(Wanted::default()).readers += 1;
        }
        let kept = Arc::new(Kept {
            backend: Arc::clone(self.backend()),
            account: self.pool().account(Payer::Agent),
            wanted: Mutex::new(wanted),
        });
        let read = Arc::clone(&kept).read().boxed().shared();
        for blob in blobs {
            blob.rebase(Arc::new(Together {
                read: read.clone(),
                kept: Arc::clone(&kept),
                blob: blob.id(),
                is_taken: AtomicU32::new(0),
                alone: self.backing(blob.id()),
            }));
        }
    }
}

/// The message of a lease, where it is small and lies in the backend.
fn small_blob(lease: &Lease) -> Option<Blob> {
    let state = lease.live.lock();
    let blob = &state.body.as_ref()?.blob;
    let is_small = blob.len().is_some_and(|len| (1..=SMALL).contains(&len));
    let is_there = blob.is_stored() && blob.in_memory().is_none();
    (is_small && is_there).then(|| blob.clone())
}

/// The octets of one of the messages.
struct Together {
    read: Shared<BoxFuture<'static, ()>>,
    kept: Arc<Kept>,
    blob: BlobId,
    /// Not 0 once it has taken what was kept for it.
    is_taken: AtomicU32,
    alone: Arc<dyn Backing>,
}

/// What was read, as long as somebody may still ask for it.
struct Kept {
    backend: Arc<dyn Backend>,
    /// The octets are the agent's cost, as the attempts are.
    account: Account,
    wanted: Mutex<BTreeMap<BlobId, Wanted>>,
}

#[derive(Default)]
struct Wanted {
    /// How many may still ask for it.
    readers: usize,
    octets: Option<Blob>,
}

#[async_trait]
impl Backing for Together {
    async fn read(&self, offset: u64) -> io::Result<Bytes> {
        if offset == 0 && self.is_taken.load(Ordering::Relaxed) == 0 {
            self.read.clone().await;
            if let Some(octets) = self.take() {
                return Ok(octets);
            }
        }
        self.alone.read(offset).await
    }
}

// === impl Together ===

impl Together {
    fn take(&self) -> Option<Bytes> {
        let is_first = self.is_taken.fetch_add(1, Ordering::Relaxed) == 0;
        is_first.then(|| self.kept.take(self.blob)).flatten()
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        // Nobody will ask for it.
        drop(self.take());
    }
}

// === impl Kept ===

impl Kept {
    /// Reads all that are wanted. What fails is read for itself when it is asked for, so that its failure
    /// is that of one attempt.
    async fn read(self: Arc<Self>) {
        let blobs: Vec<_> = self.lock().keys().copied().collect();
        let read = self.backend.read_small_blobs(&blobs, SMALL).await;
        for (blob, octets) in read.unwrap_or_default() {
            let Ok(octets) = self.account.keep(octets) else {
                continue;
            };
            if let Some(wanted) = self.lock().get_mut(&blob) {
                wanted.octets = Some(octets);
            }
        }
    }

    fn take(&self, blob: BlobId) -> Option<Bytes> {
        let mut all = self.lock();
        let wanted = all.get_mut(&blob)?;
        wanted.readers -= 1;
        let octets = match wanted.readers {
            0 => all.remove(&blob)?.octets,
            _ => wanted.octets.clone(),
        };
        drop(all);
        octets?.in_memory()?.pop()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BlobId, Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
