//! The charges of one blob.

use crate::shares::{Charge, Client};

use super::budget::Part;

/// Octets in memory and on disk that were granted to a blob. Dropping this gives them back.
#[derive(Debug)]
pub(super) struct Charges {
    memory: Charge<Client>,
    spilled: Charge<Client>,
}

impl Charges {
    /// An empty charge.
    pub(super) fn none(part: &Part, holder: &Client) -> Self {
        Self {
            memory: part.memory.nothing(holder),
            spilled: part.spilled.nothing(holder),
        }
    }

    /// Grows the charge by all of this, or by nothing. Returns whether it was granted.
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

    /// The octets in memory that were granted.
    pub(super) fn memory(&self) -> u64 {
        self.memory.amount()
    }

    /// Makes sure that `octets` in memory are granted, and returns whether they are. Asks for `step`
    /// at once, so that asking is rare, or else for what is missing.
    pub(super) fn cover_memory(&mut self, octets: u64, step: u64) -> bool {
        cover(&mut self.memory, octets, step)
    }

    /// As [`Charges::cover_memory`], for spilled octets.
    pub(super) fn cover_spilled(&mut self, octets: u64, step: u64) -> bool {
        cover(&mut self.spilled, octets, step)
    }

    /// Gives back what exceeds these numbers of octets.
    pub(super) fn shrink_to(&mut self, memory: u64, spilled: u64) {
        self.memory.shrink_to(memory);
        self.spilled.shrink_to(spilled);
    }

    /// As [`Charges::shrink_to`], for memory only.
    pub(super) fn shrink_memory_to(&mut self, octets: u64) {
        self.memory.shrink_to(octets);
    }
}

/// Grows a charge to at least `octets`.
fn cover(charge: &mut Charge<Client>, octets: u64, step: u64) -> bool {
    let missing = octets.saturating_sub(charge.amount());
    missing == 0 || missing < step && charge.grow(step) || charge.grow(missing)
}
