//! Numbers derived from a seed.

/// A sequence of numbers (SplitMix64). It is the same for the same seed, purpose and place.
#[derive(Debug, Clone)]
pub(crate) struct Choices(u64);

impl Choices {
    pub(crate) fn new(seed: u64, purpose: &str, place: impl Into<u64>) -> Self {
        let mut choices = Self(seed);
        for part in purpose.bytes().map(u64::from).chain([place.into()]) {
            choices.0 = choices.next() ^ part;
        }
        choices
    }

    /// A number from `least` to `most`, both included.
    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        let span = (most - least + 1) as u64;
        least + (self.next() % span) as usize
    }

    /// Returns `true` once in that many times.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.between(1, times) == 1
    }

    pub(crate) fn of<T: Copy>(&mut self, what: &[T]) -> T {
        what[self.between(0, what.len() - 1)]
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
