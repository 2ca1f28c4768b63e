//! The account that a transaction's octets are charged to: [`Account`].

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    shares::Client,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Blob, BlobError, BlobId, BlobPool, BlobWriter, HeldOctets, Payer,
    budget::Part,
    charges::Charges,
    state::{End, Shared},
};

/// How much memory is charged at most when a transaction begins, in octets.
const ADVANCE: u64 = 64 << 10;

/// The account of one transaction. Clones share it.
///
/// # Example
///
/// ```
/// use koukan_core::{blob::{BlobPool, Payer}, shares::Client};
///
/// let pool = BlobPool::default();
/// let client = Client::at("192.0.2.1".parse().unwrap());
/// let account = pool.account(Payer::Client(client));
/// assert!(account.advance(Some(5_000)));
/// let (writer, blob) = account.create();
/// assert_eq!(pool.charged(), 64 << 10);
/// drop((account, writer, blob));
/// assert_eq!(pool.charged(), 0);
/// ```
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    pool: BlobPool,
    /// The part of the budget that pays.
    part: Part,
    holder: Client,
    /// The agent's own work is charged only as octets come.
    is_agent: bool,
    advance: Mutex<Advance>,
}

/// What was charged in advance.
enum Advance {
    /// Nothing yet.
    Open,
    /// This much, for the first blob.
    Paid(Charges),
    /// The first blob has taken it.
    Used,
}

impl Account {
    pub(super) fn new(pool: BlobPool, payer: Payer) -> Self {
        let is_agent = payer == Payer::Agent;
        Self(Arc::new(Inner {
            part: pool.0.budget.of(&payer).clone(),
            holder: payer.holder(),
            is_agent,
            advance: Mutex::new(Advance::Open),
            pool,
        }))
    }

    /// Charges what a message needs to begin, and `size` octets of spill if the client has declared
    /// its size. It is charged once, however often this is called. Returns whether it was granted. The
    /// first blob that is created takes over the charge.
    ///
    /// Nothing is charged in advance for the agent's own work.
    #[must_use]
    pub fn advance(&self, size: Option<u64>) -> bool {
        let mut advance = self.lock();
        if self.0.is_agent || !matches!(*advance, Advance::Open) {
            return true;
        }
        let mut charges = self.nothing();
        let (memory, spilled) = self.needed(size.unwrap_or(0));
        let is_granted = charges.grow(memory, spilled);
        if is_granted {
            *advance = Advance::Paid(charges);
        }
        is_granted
    }

    /// Gives back the advance except for `octets` of memory: the message is not expected soon.
    pub fn reduce(&self, octets: u64) {
        if let Advance::Paid(charges) = &mut *self.lock() {
            charges.shrink_to(octets, 0);
        }
    }

    /// Starts a blob. Returns its writer, and a handle for readers.
    pub fn create(&self) -> (BlobWriter, Blob) {
        let shared = Shared::growing(BlobId::random(), self.0.pool.clone(), self.take());
        let shared = Arc::new(shared);
        (BlobWriter::new(Arc::clone(&shared)), Blob(shared))
    }

    /// A finished blob in memory.
    ///
    /// # Errors
    ///
    /// [`BlobError::Full`].
    pub fn keep(&self, octets: Bytes) -> Result<Blob, BlobError> {
        let len = octets.len() as u64;
        let mut charges = self.take();
        if !charges.cover_memory(len, 0) {
            return Err(BlobError::Full);
        }
        charges.shrink_to(len, 0);
        let pool = self.0.pool.clone();
        let shared = Shared::growing(BlobId::random(), pool, charges);
        shared.push(octets);
        shared.end(End::Finished);
        Ok(Blob(Arc::new(shared)))
    }

    /// A charge for octets that are held outside of blobs, which is empty at first.
    pub fn hold(&self) -> HeldOctets {
        HeldOctets::new(self.nothing(), self.0.pool.clone(), self.0.is_agent)
    }

    /// How much is charged in advance: memory, and spill.
    fn needed(&self, size: u64) -> (u64, u64) {
        let window = self.0.pool.0.limits.window;
        let least = window.min(ADVANCE);
        match self.0.pool.0.spill {
            None => (least.max(size), 0),
            Some(_) if size <= window => (least, 0),
            Some(_) => (least, size),
        }
    }

    fn take(&self) -> Charges {
        match std::mem::replace(&mut *self.lock(), Advance::Used) {
            Advance::Paid(charges) => charges,
            Advance::Open | Advance::Used => self.nothing(),
        }
    }

    fn nothing(&self) -> Charges {
        Charges::none(&self.0.part, &self.0.holder)
    }

    fn lock(&self) -> MutexGuard<'_, Advance> {
        let advance = self.0.advance.lock();
        advance.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("holder", &self.0.holder)
            .field("is_agent", &self.0.is_agent)
            .finish_non_exhaustive()
    }
}
