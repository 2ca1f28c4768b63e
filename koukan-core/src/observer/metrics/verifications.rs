//! Counters of recipient verifications.

use ::metrics::{Counter, Histogram};

use crate::event::RecipientVerified;

use super::families::{self as f, Registrar};

/// Counters for the recipients of a sender's messages.
pub(super) struct Verifications {
    asked: ByResult,
    known: ByResult,
    duration: Histogram,
}

/// A counter for each result.
struct ByResult {
    accepted: Counter,
    refused: Counter,
    unknown: Counter,
}

impl Verifications {
    pub(super) fn new(registrar: &Registrar, sender: &str) -> Self {
        Self {
            asked: ByResult::new(registrar, sender, "true"),
            known: ByResult::new(registrar, sender, "false"),
            duration: registrar.histogram(f::VERIFICATION_DURATION, &[("sender", sender)]),
        }
    }

    pub(super) fn count(&self, verified: &RecipientVerified<'_>) {
        let counters = match verified.is_asked {
            true => {
                self.duration.record(verified.duration);
                &self.asked
            }
            false => &self.known,
        };
        match verified.result {
            "ACCEPTED" => counters.accepted.increment(1),
            "REFUSED" => counters.refused.increment(1),
            _ => counters.unknown.increment(1),
        }
    }
}

impl ByResult {
    fn new(registrar: &Registrar, sender: &str, asked: &str) -> Self {
        let counter = |result| {
            let labels = &[("sender", sender), ("result", result), ("asked", asked)];
            registrar.counter(f::VERIFICATIONS, labels)
        };
        Self {
            accepted: counter("accepted"),
            refused: counter("refused"),
            unknown: counter("unknown"),
        }
    }
}
