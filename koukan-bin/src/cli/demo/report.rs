//! The table at the end.

use std::{collections::BTreeMap, fmt};

/// The outcome for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Delivered while the client waited.
    AtOnce,
    /// Accepted into the queue and delivered later.
    AfterRetry,
    /// Refused while the client waited.
    Refused,
    /// Failed permanently, and the sender was notified.
    Bounced,
    /// None of these.
    Lost,
}

/// How many recipients had which outcome.
#[derive(Debug)]
pub(super) struct Report {
    letters: u32,
    outcomes: BTreeMap<Outcome, u32>,
    duplicates: u32,
    mangled: u32,
    unexpected: u32,
}

impl Report {
    pub(super) fn new(letters: u32) -> Self {
        Self {
            letters,
            outcomes: BTreeMap::new(),
            duplicates: 0,
            mangled: 0,
            unexpected: 0,
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome, arrivals: u32, mangled: u32) {
        *self.outcomes.entry(outcome).or_default() += 1;
        self.duplicates += arrivals.saturating_sub(1);
        self.mangled += mangled;
    }

    /// Counts a recipient whose outcome does not fit what the sink does with it.
    pub(super) fn add_unexpected(&mut self) {
        self.unexpected += 1;
    }

    pub(super) fn count(&self, outcome: Outcome) -> u32 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// Whether something was sent, and nothing was lost, duplicated or changed, or had a wrong outcome.
    pub(super) fn is_all_accounted_for(&self) -> bool {
        let wrong = self.count(Outcome::Lost) + self.duplicates + self.mangled + self.unexpected;
        self.letters > 0 && wrong == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipients: u32 = self.outcomes.values().sum();
        writeln!(f, "{} messages to {recipients} recipients:", self.letters)?;
        for (name, count) in [
            ("delivered at once", self.count(Outcome::AtOnce)),
            ("delivered after retry", self.count(Outcome::AfterRetry)),
            ("refused at once", self.count(Outcome::Refused)),
            (
                "bounced (the sender was told)",
                self.count(Outcome::Bounced),
            ),
            ("lost", self.count(Outcome::Lost)),
            ("duplicates", self.duplicates),
            ("not byte for byte", self.mangled),
            ("not as the sink would have it", self.unexpected),
        ] {
            writeln!(f, "  {name:<32}{count:>6}")?;
        }
        f.write_str(if self.is_all_accounted_for() {
            "every recipient is accounted for"
        } else {
            "NOT every recipient is accounted for"
        })
    }
}
