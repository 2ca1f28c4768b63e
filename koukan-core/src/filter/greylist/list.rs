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
    InvalidSnapshot,
    known::{Key, Known},
};

/// When what comes passes, and what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Times {
    /// After which a triplet may come back.
    pub min: Duration,
    /// Until when it has to.
    pub max_wait: Duration,
    /// For how long a triplet or a network that has not come is known.
    pub keep: Duration,
    /// After how many triplets that came back a network is known.
    pub known_after: u32,
    /// Triplets and networks that are remembered, at most.
    pub max: NonZeroUsize,
}

impl Default for Times {
    /// Five minutes, a day, 36 days, 5 triplets, 100000 of them, which take 10 MB.
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

/// What is known of clients. Clones are the same.
#[derive(Clone)]
pub struct Greylist(Arc<Shared>);

struct Shared {
    times: Times,
    clock: SharedClock,
    known: Mutex<Known>,
    /// Whether something is known that no snapshot has.
    is_changed: AtomicBool,
}

impl Greylist {
    /// Nothing is known yet.
    pub fn new(times: Times, clock: SharedClock) -> Self {
        Self(Arc::new(Shared {
            times,
            clock,
            known: Mutex::default(),
            is_changed: AtomicBool::new(false),
        }))
    }

    /// Whether mail of that client for a recipient passes now. What differs by ASCII case alone is the same.
    pub fn passes(&self, client: IpAddr, reverse_path: &str, forward_path: &str) -> bool {
        let network = network(client);
        let of_network = hash(&["network", &network]);
        let triplet = hash(&["triplet", &network, reverse_path, forward_path]);
        let mut first = [0; 8];
        first.copy_from_slice(&of_network[..8]);
        let number = u64::from_be_bytes(first);
        let now = self.0.clock.now().as_second();
        let now = u64::try_from(now).unwrap_or_default();
        let passes = self
            .lock()
            .ask(&self.0.times, now, (of_network, number), triplet);
        self.0.is_changed.store(true, Ordering::Relaxed);
        passes
    }

    /// All that is known, if there is something that the last snapshot lacks. *Shape*: octets, to be given to
    /// [`Greylist::restore`]. They have hashes in the place of networks and addresses: whoever tries all networks, or
    /// addresses that he knows, finds out which of them are there.
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        if !self.0.is_changed.swap(false, Ordering::Relaxed) {
            return None;
        }
        Some(self.lock().to_octets())
    }

    /// Has the next snapshot tell everything: where the last could not be kept.
    pub fn lost_snapshot(&self) {
        self.0.is_changed.store(true, Ordering::Relaxed);
    }

    /// Knows what was known when a snapshot was made, and nothing else.
    ///
    /// # Errors
    ///
    /// [`InvalidSnapshot`]; what is known stays.
    pub fn restore(&self, octets: &[u8]) -> Result<(), InvalidSnapshot> {
        let known = Known::from_octets(octets, self.0.times.max.get())?;
        *self.lock() = known;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Greylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Greylist({} known)", self.lock().len())
    }
}

/// The network of a client: a mail service sends from several addresses of one.
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
        // In none of them.
        hash.update([0]);
    }
    let mut key = Key::default();
    let digest = hash.finalize();
    key.copy_from_slice(&digest[..16]);
    key
}
