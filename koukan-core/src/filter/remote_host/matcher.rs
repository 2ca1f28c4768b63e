//! A matcher for rules.

use std::borrow::Cow;

use crate::{
    filter::policy_action::{Facts, Matcher, Moment, Verdict},
    signals::DurableSignal,
};

use super::{LookupStatus, RemoteHost};

/// Matches if the result for the client's address is like this. An unknown value matches nothing. Until the
/// filter has asked, the result is unknown; at the end of the message it is "no match".
#[derive(Debug, Clone, Default)]
pub struct RemoteHostMatcher {
    status: Vec<LookupStatus>,
    fcrdns: Option<bool>,
    ehlo_alignment: Option<bool>,
}

impl RemoteHostMatcher {
    /// Matches if there is a result, whatever it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires one of these outcomes of the look-up.
    #[must_use]
    pub fn with_status(mut self, status: impl IntoIterator<Item = LookupStatus>) -> Self {
        self.status = status.into_iter().collect();
        self
    }

    /// Requires that a name of the address resolves back to it, or that none does.
    #[must_use]
    pub fn with_fcrdns(mut self, is_so: bool) -> Self {
        self.fcrdns = Some(is_so);
        self
    }

    /// Requires that the client gave such a name, or did not.
    #[must_use]
    pub fn with_ehlo_alignment(mut self, is_so: bool) -> Self {
        self.ehlo_alignment = Some(is_so);
        self
    }

    fn fits(&self, found: &RemoteHost) -> bool {
        let is = |wanted: Option<bool>, found| wanted.is_none() || wanted == found;
        (self.status.is_empty() || self.status.contains(&found.status))
            && is(self.fcrdns, found.fcrdns)
            && is(self.ehlo_alignment, found.ehlo_alignment)
    }
}

impl Matcher for RemoteHostMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        match facts.signals.find_durable::<RemoteHost>() {
            Ok(Some(found)) => self.fits(&found).into(),
            Ok(None) if facts.moment != Moment::End => Verdict::NotYetKnown,
            // A value that another agent wrote in another form is ignored.
            Ok(None) | Err(_) => Verdict::NoMatch,
        }
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(RemoteHost::NAME.into())
    }
}
