//! What the live blobs of a process may use together.

use std::{fmt, sync::Arc};

use crate::sync::atomic::{AtomicU64, Ordering};

use super::{Blob, BlobId, BlobWriter, Spill, state::Shared};

/// Makes blobs that share a memory budget and a place to spill to; clones share them too.
#[derive(Clone)]
pub struct BlobPool(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) limits: Limits,
    pub(super) spill: Option<Arc<dyn Spill>>,
    /// Octets of blobs in memory.
    pub(super) used: AtomicU64,
}

/// How much memory blobs may use. In octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets that one blob keeps in memory at most before it spills.
    pub window: u64,
    /// Octets that all blobs keep in memory together before any of them spills.
    pub spill_above: u64,
    /// Octets that all blobs keep in memory together before new ones are refused.
    pub budget: u64,
}

impl Default for Limits {
    /// 256 KiB a blob once there are 24 MiB in all; 256 MiB in all.
    fn default() -> Self {
        Self {
            window: 256 << 10,
            spill_above: 24 << 20,
            budget: 256 << 20,
        }
    }
}

impl BlobPool {
    /// A pool that spills to `spill`.
    pub fn new(limits: Limits, spill: Arc<dyn Spill>) -> Self {
        Self::with(limits, Some(spill))
    }

    /// A pool without a place to spill to: blobs grow in memory up to the budget.
    pub fn in_memory(limits: Limits) -> Self {
        Self::with(limits, None)
    }

    fn with(limits: Limits, spill: Option<Arc<dyn Spill>>) -> Self {
        Self(Arc::new(Inner {
            limits,
            spill,
            used: AtomicU64::new(0),
        }))
    }

    /// Starts a blob: its writer, and a handle for readers.
    pub fn create(&self) -> (BlobWriter, Blob) {
        let shared = Arc::new(Shared::growing(BlobId::random(), self.clone()));
        (BlobWriter::new(Arc::clone(&shared)), Blob(shared))
    }

    /// Whether the budget is used up, so that nothing new should be started.
    pub fn is_exhausted(&self) -> bool {
        self.used() >= self.0.limits.budget
    }

    /// Octets of blobs in memory now.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, octets: u64) {
        self.0.used.fetch_add(octets, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, octets: u64) {
        self.0.used.fetch_sub(octets, Ordering::Relaxed);
    }
}

impl Default for BlobPool {
    fn default() -> Self {
        Self::in_memory(Limits::default())
    }
}

impl fmt::Debug for BlobPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobPool")
            .field("limits", &self.0.limits)
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}
