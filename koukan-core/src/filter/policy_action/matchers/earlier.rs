//! What other rules have said.

use std::borrow::Cow;

use crate::filter::policy_action::{Facts, Matcher, Verdict, results};

/// A rule has matched before, here or where the message has come from. Where one does not know yet, this is
/// not known either.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Earlier {
    /// The rule of that name, whatever was done.
    Rule(Box<str>),
    /// One of that tag which ends it: with [`Reject`](super::super::PolicyAction::Reject),
    /// [`Defer`](super::super::PolicyAction::Defer) or [`Match`](super::super::PolicyAction::Match).
    Tag(Box<str>),
}

impl Earlier {
    /// The durable signal that says so.
    pub fn signal_name(&self) -> String {
        results::signal(self)
    }
}

impl Matcher for Earlier {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        if results::has_matched(facts.signals, self) {
            Verdict::Match
        } else if facts.results.is_suspended(self, facts.moment) {
            Verdict::NotYetKnown
        } else {
            Verdict::NoMatch
        }
    }

    fn changes(&self) -> bool {
        true
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(self.signal_name().into())
    }
}
