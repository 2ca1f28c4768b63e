//! What is to go wrong.

use std::{ops::Range, time::Duration};

use super::Defect;

/// How a [`FaultyBackend`](super::FaultyBackend) behaves.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Each call takes up to so long.
    pub latency: Duration,
    /// How many calls may read at a time.
    pub readers: usize,
    /// When calls fail. Times count from the start of the simulation.
    pub trouble: Vec<Trouble>,
    /// What a wrong implementation would do.
    pub defect: Option<Defect>,
}

/// A time in which calls fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When, from the start of the simulation.
    pub during: Range<Duration>,
    /// How.
    pub kind: TroubleKind,
    /// How many calls in a thousand.
    pub per_mille: u64,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The medium has no room: a write fails, and nothing is written.
    Full,
    /// The medium fails, and nothing is written or read.
    Failed,
    /// A write is made, and its answer is lost; one that takes what is stored under lease is made and
    /// answered.
    AnswerLost,
    /// What is stored is taken under lease, and the answer is lost, so that the caller does not know of
    /// the lease.
    LeaseUnheard,
    /// A call takes many times as long; where calls take no time, some as well.
    Slow,
    /// What takes something under lease panics, and does nothing.
    LeasePanics,
    /// Nothing is heard of the medium until this is over; then all that was asked, or not answered yet, fails.
    CutOff,
}

impl Default for Faults {
    /// Fast and without faults, with four readers.
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            readers: 4,
            trouble: Vec::new(),
            defect: None,
        }
    }
}
