//! The outcomes of the messages that a client sent.

use crate::histogram::Histogram;

/// How many refused messages are listed by number.
const TOLD: usize = 5;

/// Latencies and refusals.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) latencies: Histogram,
    pub(super) refused: u64,
    pub(super) refused_ids: Vec<u64>,
}

impl Tally {
    pub(super) fn refuse(&mut self, number: u64) {
        self.refused += 1;
        if self.refused_ids.len() < TOLD {
            self.refused_ids.push(number);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        self.refused += other.refused;
        self.refused_ids.extend(other.refused_ids);
        self.refused_ids.truncate(TOLD);
    }
}
