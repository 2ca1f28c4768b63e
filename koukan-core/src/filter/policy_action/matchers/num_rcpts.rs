//! How many recipients there are.

use crate::filter::policy_action::{Facts, Matcher, Verdict};

/// So many recipients of the transaction, or more, have passed before this one. Those that were refused
/// further on do not count, as far as that is known: a client that pipelines gives its commands before it
/// has the replies.
#[derive(Debug, Clone, Copy)]
pub struct NumRcpts {
    max: usize,
}

impl NumRcpts {
    /// `max` recipients have passed.
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
