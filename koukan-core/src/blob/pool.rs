//! What the live blobs of a process may use together.

use std::{fmt, sync::Arc};

use crate::{
    shares::Client,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Account, Blob, BlobWriter, Payer, Spill, budget::Budget};

/// Makes blobs that share a memory budget and a place to spill to; clones share them too.
#[derive(Clone)]
pub struct BlobPool(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) limits: Limits,
    pub(super) spill: Option<Arc<dyn Spill>>,
    /// What is charged for blobs, and for other octets of messages.
    pub(super) budget: Budget,
    /// Octets of blobs in memory.
    pub(super) used: AtomicU64,
}

/// How much memory blobs may use. In octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets that one blob keeps in memory at most before it spills.
    pub window: u64,
    /// Octets that all blobs keep in memory together before any of them spills.
    pub spill_above: u64,
    /// Octets in memory that are granted to all together. An eighth is the agent's own, and clients
    /// share the rest; what is not granted is spilled, or where there is no room for that, refused.
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

impl Limits {
    /// With another [`Limits::window`].
    #[must_use]
    pub fn with_window(mut self, window: u64) -> Self {
        self.window = window;
        self
    }

    /// With another [`Limits::spill_above`].
    #[must_use]
    pub fn with_spill_above(mut self, spill_above: u64) -> Self {
        self.spill_above = spill_above;
        self
    }

    /// With another [`Limits::budget`].
    #[must_use]
    pub fn with_budget(mut self, budget: u64) -> Self {
        self.budget = budget;
        self
    }
}

impl BlobPool {
    /// A pool that spills to `spill`.
    pub fn new(limits: Limits, spill: Arc<dyn Spill>) -> Self {
        Self::with(limits, u64::MAX, Some(spill))
    }

    /// A pool without a place to spill to: blobs grow in memory up to the budget.
    pub fn in_memory(limits: Limits) -> Self {
        Self::with(limits, u64::MAX, None)
    }

    /// A pool like this one, of which nothing is used yet, and to whose blobs so many spilled octets are
    /// granted together; without it there is no limit but the place's own.
    #[must_use]
    pub fn with_spill_budget(self, octets: u64) -> Self {
        Self::with(self.0.limits, octets, self.0.spill.clone())
    }

    fn with(limits: Limits, spilled: u64, spill: Option<Arc<dyn Spill>>) -> Self {
        Self(Arc::new(Inner {
            limits,
            spill,
            budget: Budget::new(limits.budget, spilled),
            used: AtomicU64::new(0),
        }))
    }

    /// An account of that payer, for one transaction.
    pub fn account(&self, payer: Payer) -> Account {
        Account::new(self.clone(), payer)
    }

    /// Starts a blob of nobody in particular: its writer, and a handle for readers. Where it is known
    /// who brings the octets, [`BlobPool::account`] makes it.
    pub fn create(&self) -> (BlobWriter, Blob) {
        self.account(Payer::Client(Client::Unknown)).create()
    }

    /// Octets that are charged now, in memory and spilled: what is kept, and what was charged in
    /// advance.
    pub fn charged(&self) -> u64 {
        self.0.budget.used()
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
