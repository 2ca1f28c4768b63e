//! A matcher for rules.

use std::borrow::Cow;

use crate::filter::policy_action::{Facts, Matcher, Moment, Verdict};

use super::{RECIPIENT, Verification, found::OfRecipients};

/// Matches if the result for a recipient is one of these. It is unknown until the filter has asked. For a recipient
/// that is not asked for, it does not match.
#[derive(Debug, Clone)]
pub struct VerifiedMatcher(Vec<Verification>);

impl VerifiedMatcher {
    /// Matches these results.
    pub fn new(results: impl IntoIterator<Item = Verification>) -> Self {
        Self(results.into_iter().collect())
    }
}

impl Matcher for VerifiedMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        match facts.moment {
            Moment::Rcpt(position) => {
                let found = OfRecipients::find(facts.signals, position);
                found.is_some_and(|found| self.0.contains(&found)).into()
            }
            Moment::End => Verdict::NoMatch,
            Moment::Mail | Moment::Message => Verdict::NotYetKnown,
        }
    }

    fn is_about_recipient(&self) -> bool {
        true
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(RECIPIENT.into())
    }
}
