//! Reads small messages together that were leased together.
//!
//! Asking a backend for each of them would cost as much again as the attempt's own writes. So the first
//! one that is asked for causes a read of all that are still wanted, and the others find theirs in memory:
//!
//! | caller | finds |
//! |---|---|
//! | the first | nothing yet: all are read at once |
//! | others meanwhile | the same read, which each of them drives |
//! | others later | the octets, which then belong to them alone |
//! | a second call, or where octets could not be kept or read | the backend, as usual |

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

/// The largest message that is read together with others, in octets.
const SMALL: u64 = 16 << 10;
/// How many messages are read at a time.
const TOGETHER_MAX: usize = 64;

impl Storage {
    /// Arranges that small messages of these leases are read together, when the first is asked for.
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

/// The message of a lease, if it is small and in the backend.
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
    /// Not 0 once it has taken its octets.
    is_taken: AtomicU32,
    alone: Arc<dyn Backing>,
}

/// The octets that were read, while somebody may still ask for them.
struct Kept {
    backend: Arc<dyn Backend>,
    /// The octets are charged to the agent, as attempts are.
    account: Account,
    wanted: Mutex<BTreeMap<BlobId, Wanted>>,
}

#[derive(Default)]
struct Wanted {
    /// How many callers may still ask for it.
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
    /// Reads all that are wanted. A message whose read fails is read separately when it is asked for, so
    /// that the failure affects one attempt only.
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
