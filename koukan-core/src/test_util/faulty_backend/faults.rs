//! The faults to add.

use std::{ops::Range, time::Duration};

use super::Defect;

/// How a [`FaultyBackend`](super::FaultyBackend) behaves.
#[derive(Debug, Clone)]
pub struct Faults {
    /// The longest time that a call takes.
    pub latency: Duration,
    /// How many calls may read at the same time.
    pub readers: usize,
    /// When calls fail. Times count from the start of the simulation.
    pub trouble: Vec<Trouble>,
    /// A defect of a wrong implementation.
    pub defect: Option<Defect>,
}

/// A period in which calls fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The period, from the start of the simulation.
    pub during: Range<Duration>,
    /// How calls fail.
    pub kind: TroubleKind,
    /// How many of a thousand calls fail.
    pub per_mille: u64,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The medium is full: a write fails, and nothing is written.
    Full,
    /// The medium fails: nothing is written or read.
    Failed,
    /// A write is made and its answer is lost. A call that leases stored transactions is made and
    /// answered.
    AnswerLost,
    /// Stored transactions are leased and the answer is lost, so the caller does not know of the lease.
    LeaseUnheard,
    /// A call takes many times as long as usual; some calls do even if calls otherwise take no time.
    Slow,
    /// A call that leases something panics and does nothing.
    LeasePanics,
    /// The medium does not answer until the period is over; then every call that was made, or is still
    /// unanswered, fails.
    CutOff,
}

impl Default for Faults {
    /// Fast, without faults, and with four readers.
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            readers: 4,
            trouble: Vec::new(),
            defect: None,
        }
    }
}
