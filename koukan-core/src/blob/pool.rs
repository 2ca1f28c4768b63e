//! What the live blobs of a process share.

use std::{fmt, sync::Arc};

use crate::{
    shares::Client,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Account, Blob, BlobWriter, Payer, Spill, budget::Budget};

/// Creates blobs that share a memory budget and a place to spill to. Clones share them too.
#[derive(Clone)]
pub struct BlobPool(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) limits: Limits,
    pub(super) spill: Option<Arc<dyn Spill>>,
    /// The charges for blobs, and for other octets of messages.
    pub(super) budget: Budget,
    /// Octets of blobs in memory.
    pub(super) used: AtomicU64,
}

/// Limits for the memory of blobs, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets that one blob keeps in memory before it spills.
    pub window: u64,
    /// Octets that all blobs together keep in memory before any of them spills.
    pub spill_above: u64,
    /// Octets in memory for all together. An eighth is reserved for the agent, and clients share
    /// the rest. A blob that is not granted memory spills; where there is no place for that, it is
    /// refused.
    pub budget: u64,
}

impl Default for Limits {
    /// A window of 256 KiB for each blob, spilling above 24 MiB, and a budget of 256 MiB.
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

    /// A new, unused pool with the same settings, and a limit for the spilled octets of all blobs
    /// together. Without it the only limit is the place's own.
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

    /// An account for one transaction, paid by `payer`.
    pub fn account(&self, payer: Payer) -> Account {
        Account::new(self.clone(), payer)
    }

    /// Starts a blob without a payer. Returns its writer, and a handle for readers. Where the payer
    /// is known, use [`BlobPool::account`].
    pub fn create(&self) -> (BlobWriter, Blob) {
        self.account(Payer::Client(Client::Unknown)).create()
    }

    /// The octets that are charged now, in memory and spilled, including advances.
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
