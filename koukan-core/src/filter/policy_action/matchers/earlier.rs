//! Matches the results of other rules.

use std::borrow::Cow;

use crate::filter::policy_action::{Facts, Matcher, Verdict, results};

/// Matches if another rule has matched before, here or at an agent that the message came from. While that
/// rule's result is unknown, so is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Earlier {
    /// The rule with this name, whatever its action.
    Rule(Box<str>),
    /// A rule with this tag whose action ends the tag:
    /// [`Reject`](super::super::PolicyAction::Reject), [`Defer`](super::super::PolicyAction::Defer)
    /// or [`Match`](super::super::PolicyAction::Match).
    Tag(Box<str>),
}

impl Earlier {
    /// The durable signal that records it.
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
