//! What rules can ask.

use std::borrow::Cow;

use crate::{
    filter::policy_action::{Facts, Matcher, Moment, Verdict},
    signals::DurableSignal,
};

use super::{LookupStatus, RemoteHost};

/// What the DNS knows of the client's address is like that. What is not known is like nothing. Until the filter
/// has found it out that is not yet known; at the end of the message it is not so.
#[derive(Debug, Clone, Default)]
pub struct RemoteHostMatcher {
    status: Vec<LookupStatus>,
    fcrdns: Option<bool>,
    ehlo_alignment: Option<bool>,
}

impl RemoteHostMatcher {
    /// It is known, whatever it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// The look-up went in one of these ways.
    #[must_use]
    pub fn with_status(mut self, status: impl IntoIterator<Item = LookupStatus>) -> Self {
        self.status = status.into_iter().collect();
        self
    }

    /// A name of the address leads back to it, or none does.
    #[must_use]
    pub fn with_fcrdns(mut self, is_so: bool) -> Self {
        self.fcrdns = Some(is_so);
        self
    }

    /// The client has named itself by such a name, or has not.
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
            // What another agent has written otherwise says nothing here.
            Ok(None) | Err(_) => Verdict::NoMatch,
        }
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(RemoteHost::NAME.into())
    }
}
