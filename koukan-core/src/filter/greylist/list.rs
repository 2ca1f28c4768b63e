use std::{
    fmt,
    net::IpAddr,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::{clock::SharedClock, shares::Client};

use super::{
    GreylistSnapshot, InvalidSnapshot,
    known::{Key, Known},
    snapshot,
};

/// The approximate number of entries in one part of a list; a snapshot writes one part at a time.
const PART: usize = 1 << 14;
/// The largest number of parts; in a larger list each part is larger.
const PARTS_MAX: usize = 1 << 10;

/// The times and limits of a grey list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// How long after the first attempt a triplet may come back.
    pub min: Duration,
    /// Until when it has to come back.
    pub max_wait: Duration,
    /// How long a triplet or network is remembered that does not come.
    pub keep: Duration,
    /// How many triplets must come back until their network is known.
    pub known_after: u32,
    /// How many triplets and networks are remembered at most.
    pub max: NonZeroUsize,
}

impl Default for Times {
    /// Five minutes, a day, 36 days, 5 triplets, 100000 entries (which take 10 MB).
    fn default() -> Self {
        Self {
            min: Duration::from_secs(5 * 60),
            max_wait: Duration::from_secs(24 * 60 * 60),
            keep: Duration::from_secs(36 * 24 * 60 * 60),
            known_after: 5,
            max: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// The knowledge about clients. Clones share it.
#[derive(Clone)]
pub struct Greylist(Arc<Shared>);

struct Shared {
    /// For each part.
    times: Times,
    clock: SharedClock,
    /// A network and its triplets are in the same part.
    parts: Box<[Mutex<Known>]>,
    /// Whether something has changed since the last snapshot.
    is_changed: AtomicBool,
}

impl Greylist {
    /// A list that knows nothing yet.
    pub fn new(mut times: Times, clock: SharedClock) -> Self {
        let parts = times.max.get().div_ceil(PART).min(PARTS_MAX);
        let max = NonZeroUsize::new(times.max.get() / parts);
        times.max = max.unwrap_or(NonZeroUsize::MIN);
        Self(Arc::new(Shared {
            times,
            clock,
            parts: (0..parts).map(|_| Mutex::default()).collect(),
            is_changed: AtomicBool::new(false),
        }))
    }

    /// Whether mail from this client to a recipient passes now. ASCII case does not matter.
    pub fn passes(&self, client: IpAddr, reverse_path: &str, forward_path: &str) -> bool {
        let network = network(client);
        let of_network = hash(&["network", &network]);
        let triplet = hash(&["triplet", &network, reverse_path, forward_path]);
        let mut first = [0; 8];
        first.copy_from_slice(&of_network[..8]);
        let number = u64::from_be_bytes(first);
        let now = self.0.clock.now().as_second();
        let now = u64::try_from(now).unwrap_or_default();
        let mut known = self.part_of(number);
        let passes = known.ask(&self.0.times, now, (of_network, number), triplet);
        drop(known);
        self.0.is_changed.store(true, Ordering::Relaxed);
        passes
    }

    /// Everything that is known, if it has changed since the last snapshot. *Shape*: octets in pieces, to be passed to
    /// [`Greylist::restore`] together. They contain hashes instead of networks and addresses. By trying all networks,
    /// or known addresses, one can still find out which of them are contained.
    pub fn snapshot(&self) -> Option<GreylistSnapshot> {
        let is_changed = self.0.is_changed.swap(false, Ordering::Relaxed);
        is_changed.then(|| GreylistSnapshot::of(self))
    }

    /// Makes the next snapshot contain everything, for use when the last one could not be stored.
    pub fn lost_snapshot(&self) {
        self.0.is_changed.store(true, Ordering::Relaxed);
    }

    /// Replaces the knowledge by that of a snapshot.
    ///
    /// # Errors
    ///
    /// [`InvalidSnapshot`]; the knowledge is unchanged.
    pub fn restore(&self, octets: &[u8]) -> Result<(), InvalidSnapshot> {
        let entries = snapshot::entries(octets)?;
        for part in &self.0.parts {
            *lock(part) = Known::default();
        }
        let max = self.0.times.max.get();
        for (key, entry) in entries {
            self.part_of(entry.network).insert(max, key, entry);
        }
        Ok(())
    }

    /// The part that contains a network.
    fn part_of(&self, network: u64) -> MutexGuard<'_, Known> {
        let parts = &self.0.parts;
        // There is one at least, and fewer than 2^64.
        lock(&parts[(network % parts.len() as u64) as usize])
    }

    pub(super) fn part(&self, index: usize) -> Option<MutexGuard<'_, Known>> {
        self.0.parts.get(index).map(lock)
    }

    fn len(&self) -> usize {
        self.0.parts.iter().map(|part| lock(part).len()).sum()
    }
}

impl fmt::Debug for Greylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Greylist({} known)", self.len())
    }
}

fn lock(part: &Mutex<Known>) -> MutexGuard<'_, Known> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The network of a client: a mail service sends from several addresses of one network.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}")
        }
        address @ IpAddr::V6(_) => Client::at(address).to_string(),
    }
}

fn hash(parts: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.to_ascii_lowercase());
        // A separator that occurs in none of them.
        hash.update([0]);
    }
    let mut key = Key::default();
    let digest = hash.finalize();
    key.copy_from_slice(&digest[..16]);
    key
}
