//! What rules can ask.

use std::borrow::Cow;

use crate::filter::policy_action::{Facts, Matcher, Moment, Verdict};

use super::{RECIPIENT, Verification, found::OfRecipients};

/// What is known of a recipient is one of these. Until the filter has found it out that is not yet known; of what it
/// has not asked for it is not so.
#[derive(Debug, Clone)]
pub struct VerifiedMatcher(Vec<Verification>);

impl VerifiedMatcher {
    /// It is one of these.
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
