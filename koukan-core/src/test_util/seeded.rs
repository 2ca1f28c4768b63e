//! Randomness that a seed reproduces.

use std::{
    marker::PhantomData,
    ops::RangeInclusive,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::random::{self, Random};

/// Random numbers that are the same for the same seed.
///
/// Not for secrets. To get numbers that do not depend on how many others have drawn,
/// [fork](SeededRandom::fork) a source of your own.
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// Numbers that begin at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Another source that depends only on this one's seed and on `number`, as long as nothing has
    /// been drawn from this one.
    #[must_use]
    pub fn fork(&self, number: u64) -> Self {
        let mixed = random::mix(self.0.load(Ordering::Relaxed) ^ random::mix(number));
        Self::new(mixed)
    }

    /// Any number.
    pub fn number(&self) -> u64 {
        random::mix(self.0.fetch_add(random::STEP, Ordering::Relaxed))
    }

    /// A number from 0 up to, but excluding, `end`; 0 if `end` is 0.
    pub fn below(&self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or_default()
    }

    /// Whether an event happens whose probability is `per_mille` in a thousand.
    pub fn happens(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of several.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<'a, T>(&self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len() as u64);
        &choices[usize::try_from(index).expect("an index")]
    }

    /// A time within these, in whole milliseconds.
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Duration {
        let millis = |time: &Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (start, end) = (millis(range.start()), millis(range.end()));
        Duration::from_millis(start + self.below((end - start).saturating_add(1)))
    }
}

impl Random for SeededRandom {
    fn unit(&self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// While this exists, the identities that its thread makes follow from a seed.
///
/// For simulations, which run in one thread: there, the same seed gives the same identities. They
/// are guessable.
#[derive(Debug)]
pub struct SeededIdentities {
    before: Option<u64>,
    /// It belongs to the thread that made it.
    _thread: PhantomData<*const ()>,
}

impl SeededIdentities {
    /// Begins to derive identities from `seed`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self {
            before: random::seed_octets(Some(random::mix(seed))),
            _thread: PhantomData,
        }
    }
}

impl Drop for SeededIdentities {
    fn drop(&mut self) {
        random::seed_octets(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::record::TransactionId;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let random = SeededRandom::new(seed);
            [random.number(), random.number(), random.fork(1).number()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        let random = SeededRandom::new(1);
        assert!((0..1000).all(|_| random.below(10) < 10));
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        assert!((0..1000).all(|_| (second..=minute).contains(&random.duration(second..=minute))));
    }

    #[test]
    fn the_same_seed_gives_the_same_identities() {
        let identities = |seed| {
            let _seeded = SeededIdentities::of(seed);
            [TransactionId::random(), TransactionId::random()]
        };
        let first = identities(3);
        assert_ne!(first[0], first[1]);
        assert_eq!(identities(3), first);
        assert_ne!(identities(4), first);
        assert_ne!(TransactionId::random(), TransactionId::random());
    }
}
