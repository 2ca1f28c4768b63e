//! A matcher for rules.

use std::borrow::Cow;

use crate::{
    filter::policy_action::{Facts, Matcher, Moment, Verdict},
    signals::DurableSignal,
};

use super::{DnsResolution, RECIPIENT, Resolution, of_recipients::OfRecipients};

/// Which domain is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// The domain of the reverse-path.
    MailFrom,
    /// The domain of a recipient.
    RcptTo,
    /// The next hop of a recipient.
    NextHop,
}

/// Matches if the result for the domain is one of these. It is unknown until the filter has asked. Without a
/// domain it does not match.
#[derive(Debug, Clone)]
pub struct ResolutionMatcher {
    asked: Asked,
    results: Vec<Resolution>,
}

impl ResolutionMatcher {
    /// Matches these results.
    pub fn new(asked: Asked, results: impl IntoIterator<Item = Resolution>) -> Self {
        Self {
            asked,
            results: results.into_iter().collect(),
        }
    }

    /// What is known; none where nothing is known yet.
    fn found(&self, facts: &Facts<'_>) -> Option<Option<Resolution>> {
        let of_recipient = || match facts.moment {
            Moment::Rcpt(position) => OfRecipients::find(facts.signals, position),
            Moment::Mail | Moment::Message | Moment::End => None,
        };
        match self.asked {
            Asked::MailFrom => match facts.signals.find_durable::<DnsResolution>() {
                Ok(found) => found.map(|found| found.mail_result),
                // A value that another agent wrote in another form is ignored.
                Err(_) => Some(None),
            },
            Asked::RcptTo => of_recipient().map(|found| found.rcpt),
            Asked::NextHop => of_recipient().map(|found| found.next_hop),
        }
    }
}

impl Matcher for ResolutionMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        match self.found(facts) {
            Some(found) => found.is_some_and(|it| self.results.contains(&it)).into(),
            None if facts.moment == Moment::End => Verdict::NoMatch,
            None => Verdict::NotYetKnown,
        }
    }

    fn is_about_recipient(&self) -> bool {
        self.asked != Asked::MailFrom
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(match self.asked {
            Asked::MailFrom => DnsResolution::NAME.into(),
            Asked::RcptTo | Asked::NextHop => RECIPIENT.into(),
        })
    }
}
