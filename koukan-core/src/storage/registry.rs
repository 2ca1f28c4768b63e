//! Finds live transactions by identity.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Weak},
};

use crate::{
    id::IdMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Drain, live::Live, presence::Presence, record::TransactionId};

/// All live transactions of a [`Storage`](super::Storage).
///
/// Invariant: there is at most one [`Live`] for a transaction at a time, however many hold it. So
/// readers, the input side and the output side meet in it.
pub(super) struct Registry {
    known: Mutex<Known>,
    /// Whether this process may work on their leases.
    pub(super) presence: Arc<Presence>,
}

#[derive(Default)]
struct Known {
    lives: IdMap<TransactionId, Weak<Live>>,
    /// The current reads from the durable tier.
    reads: HashMap<TransactionId, Reads>,
    /// Which attempts must end, also at transactions that become live later.
    drain: Drain,
}

/// The current reads of one transaction.
#[derive(Debug, Default)]
struct Reads {
    count: usize,
    /// How often the transaction has ceased to be live during them.
    ended: u64,
}

/// A read of a transaction from the durable tier. Its result is out of date if the transaction was
/// live and has ceased to be since the read began, since it was changed then.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    registry: &'a Registry,
    id: TransactionId,
    /// [`Reads::ended`] when it began.
    ended: u64,
}

impl Registry {
    pub(super) fn new(presence: Arc<Presence>) -> Self {
        Self {
            known: Mutex::default(),
            presence,
        }
    }

    /// Begins a read of a transaction.
    pub(super) fn begin_read(&self, id: TransactionId) -> Reading<'_> {
        let mut known = self.lock();
        let reads = known.reads.entry(id).or_default();
        reads.count += 1;
        Reading {
            registry: self,
            id,
            ended: reads.ended,
        }
    }

    /// Adds a transaction that is new.
    pub(super) fn add(&self, live: &Arc<Live>) {
        self.lock().insert(live);
    }

    /// The transaction, if it is live.
    pub(super) fn find(&self, id: TransactionId) -> Option<Arc<Live>> {
        self.lock().lives.get(&id)?.upgrade()
    }

    /// The transaction; `make` creates it if it is not live. Nobody else can change it now.
    pub(super) fn find_or_add(
        &self,
        id: TransactionId,
        make: impl FnOnce() -> Arc<Live>,
    ) -> Arc<Live> {
        let mut known = self.lock();
        if let Some(live) = known.lives.get(&id).and_then(Weak::upgrade) {
            return live;
        }
        let live = make();
        known.insert(&live);
        live
    }

    /// Notes which attempts must end at transactions that become live from now on.
    pub(super) fn set_drain(&self, drain: Drain) {
        self.lock().drain = drain;
    }

    /// All live transactions.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        let known = self.lock();
        known.lives.values().filter_map(Weak::upgrade).collect()
    }

    /// Forgets a transaction whose last holder is gone, unless there is another one with the same
    /// identity by now.
    pub(super) fn remove(&self, live: &Live) {
        let mut known = self.lock();
        if known
            .lives
            .get(&live.id)
            .is_some_and(|known| std::ptr::eq(known.as_ptr(), live))
        {
            known.lives.remove(&live.id);
        }
        if let Some(reads) = known.reads.get_mut(&live.id) {
            reads.ended += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Reading<'_> {
    /// The transaction; `make` creates it from what was read if it is not live. `None` where the
    /// read is out of date.
    pub(super) fn find_or_add(&self, make: impl FnOnce() -> Arc<Live>) -> Option<Arc<Live>> {
        let mut known = self.registry.lock();
        if let Some(live) = known.lives.get(&self.id).and_then(Weak::upgrade) {
            return Some(live);
        }
        if known.reads.get(&self.id)?.ended != self.ended {
            return None;
        }
        let live = make();
        known.insert(&live);
        Some(live)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut known = self.registry.lock();
        if let Entry::Occupied(mut reads) = known.reads.entry(self.id) {
            reads.get_mut().count -= 1;
            if reads.get().count == 0 {
                reads.remove();
            }
        }
    }
}

impl Known {
    fn insert(&mut self, live: &Arc<Live>) {
        if self.drain != Drain::No {
            live.lock().drain = self.drain;
        }
        self.lives.insert(live.id, Arc::downgrade(live));
    }
}
