//! A cache of claims that were recently accepted.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// The most claims in the cache.
const KEPT_MAX: usize = 10_000;

/// A claim, as a hash.
pub(super) type Key = [u8; 32];

/// Claims that were accepted, for some time.
pub(super) struct Kept {
    secret: [u8; 32],
    time: Duration,
    known: Mutex<HashMap<Key, (Box<str>, Instant)>>,
}

impl Kept {
    /// Keeps each claim for that time; with zero, none.
    pub(super) fn new(secret: [u8; 32], time: Duration) -> Self {
        Self {
            secret,
            time,
            known: Mutex::default(),
        }
    }

    /// A hash of a claim's parts.
    pub(super) fn key(&self, parts: [&str; 3]) -> Key {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    pub(super) fn find(&self, key: &Key) -> Option<Box<str>> {
        let known = self.lock();
        let (name, until) = known.get(key)?;
        (*until > Instant::now()).then(|| name.clone())
    }

    pub(super) fn keep(&self, key: Key, name: Box<str>) {
        if self.time.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut known = self.lock();
        if known.len() >= KEPT_MAX {
            known.retain(|_, (_, until)| *until > now);
        }
        // When the cache is full, further claims are not cached.
        if known.len() < KEPT_MAX {
            known.insert(key, (name, now + self.time));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Box<str>, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_known_for_a_while_and_no_other() {
        let kept = Kept::new([7; 32], Duration::from_secs(60));
        let key = kept.key(["password", "alice", "pencil"]);
        assert_eq!(kept.find(&key), None);
        kept.keep(key, "alice".into());
        assert_eq!(kept.find(&key).as_deref(), Some("alice"));
        for other in [
            ["password", "alice", "pencil "],
            ["password", "alicep", "encil"],
            ["token", "alice", "pencil"],
        ] {
            assert_eq!(kept.find(&kept.key(other)), None, "{other:?}");
        }
        assert_ne!(
            Kept::new([8; 32], Duration::ZERO).key(["password", "alice", "pencil"]),
            key
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(kept.find(&key), None);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_not_too_many() {
        let kept = Kept::new([7; 32], Duration::from_secs(60));
        let key = |number: usize| kept.key(["password", "alice", &number.to_string()]);
        for number in 0..=KEPT_MAX {
            kept.keep(key(number), "alice".into());
        }
        assert_eq!(kept.find(&key(KEPT_MAX)), None);
        tokio::time::advance(Duration::from_secs(60)).await;
        kept.keep(key(KEPT_MAX), "alice".into());
        assert!(kept.find(&key(KEPT_MAX)).is_some());
        assert_eq!(kept.lock().len(), 1);
        let none = Kept::new([7; 32], Duration::ZERO);
        none.keep(key(1), "alice".into());
        assert_eq!(none.find(&key(1)), None);
    }
}
