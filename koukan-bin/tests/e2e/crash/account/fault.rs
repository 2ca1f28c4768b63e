//! The faults that the account can find.

use std::fmt;

use jiff::SignedDuration;

use crate::crash::record::Kept;

/// A fault, and the recipient or sender that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) address: String,
    words: String,
}

impl Fault {
    pub(super) fn new(address: &str, words: impl Into<String>) -> Self {
        Self {
            address: address.to_owned(),
            words: words.into(),
        }
    }

    pub(super) fn lost(to: &str) -> Self {
        let words = "lost: acknowledged, and neither delivered nor reported nor queued";
        Self::new(to, words)
    }

    pub(super) fn not_durable(to: &str, kill: u32) -> Self {
        Self::new(
            to,
            format!("acknowledged before it was kept: run {kill} left nothing of it"),
        )
    }

    pub(super) fn written_only(to: &str, kill: u32) -> Self {
        Self::new(
            to,
            format!("run {kill} wrote that it is delivered, and the destination never said 250"),
        )
    }

    pub(super) fn written_late(to: &str, window: SignedDuration) -> Self {
        let words = format!("delivered again: {window:#} after the 250 it was not written yet");
        Self::new(to, words)
    }

    pub(super) fn made_twice(to: &str, first: &Kept, second: &Kept) -> Self {
        let (first, second) = (&first.transaction, &second.transaction);
        Self::new(to, format!("two transactions have it: {first}, {second}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.words)
    }
}
