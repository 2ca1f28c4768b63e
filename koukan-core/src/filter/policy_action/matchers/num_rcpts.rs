//! Matches the number of recipients.

use crate::filter::policy_action::{Facts, Matcher, Verdict};

/// Matches if at least so many recipients of the transaction have passed before this one. Recipients that
/// were refused upstream do not count, as far as is known: a client that pipelines sends commands before
/// it has the replies.
#[derive(Debug, Clone, Copy)]
pub struct NumRcpts {
    max: usize,
}

impl NumRcpts {
    /// Matches from `max` recipients on.
    pub fn new(max: usize) -> Self {
        Self { max }
    }
}

impl Matcher for NumRcpts {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        (facts.accepted >= self.max).into()
    }

    fn is_about_recipient(&self) -> bool {
        true
    }

    fn counts_recipients(&self) -> bool {
        true
    }
}
