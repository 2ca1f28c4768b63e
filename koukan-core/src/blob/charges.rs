//! What was granted for one blob.

use crate::shares::{Charge, Client};

use super::budget::Part;

/// Octets in memory, and spilled ones, that were granted for a blob; dropped, they are given back.
#[derive(Debug)]
pub(super) struct Charges {
    memory: Charge<Client>,
    spilled: Charge<Client>,
}

impl Charges {
    /// Nothing so far.
    pub(super) fn none(part: &Part, holder: &Client) -> Self {
        Self {
            memory: part.memory.nothing(holder),
            spilled: part.spilled.nothing(holder),
        }
    }

    /// Adds so much, or nothing; returns whether it was granted.
    pub(super) fn grow(&mut self, memory: u64, spilled: u64) -> bool {
        let before = self.memory.amount();
        if memory > 0 && !self.memory.grow(memory) {
            return false;
        }
        let is_granted = spilled == 0 || self.spilled.grow(spilled);
        if !is_granted {
            self.memory.shrink_to(before);
        }
        is_granted
    }

    /// How many octets in memory were granted.
    pub(super) fn memory(&self) -> u64 {
        self.memory.amount()
    }

    /// Whether so many octets in memory are granted by now; `step` at once, so that it is seldom asked
    /// for, or what is missing.
    pub(super) fn cover_memory(&mut self, octets: u64, step: u64) -> bool {
        cover(&mut self.memory, octets, step)
    }

    /// As [`Charges::cover_memory`], of spilled octets.
    pub(super) fn cover_spilled(&mut self, octets: u64, step: u64) -> bool {
        cover(&mut self.spilled, octets, step)
    }

    /// Gives back what is beyond so many octets.
    pub(super) fn shrink_to(&mut self, memory: u64, spilled: u64) {
        self.memory.shrink_to(memory);
        self.spilled.shrink_to(spilled);
    }

    /// As [`Charges::shrink_to`], of those in memory alone.
    pub(super) fn shrink_memory_to(&mut self, octets: u64) {
        self.memory.shrink_to(octets);
    }
}

/// Grows a charge until it is that much.
fn cover(charge: &mut Charge<Client>, octets: u64, step: u64) -> bool {
    let missing = octets.saturating_sub(charge.amount());
    missing == 0 || missing < step && charge.grow(step) || charge.grow(missing)
}
