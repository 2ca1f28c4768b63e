//! Conditions of rules.

use std::{borrow::Cow, fmt, ops::Not};

use crate::{
    context::Context,
    message::header_section::HeaderSection,
    signals::Signals,
    transaction::{Mail, Rcpt},
};

use super::results::Results;

/// The result of a matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The condition holds.
    Match,
    /// The condition does not hold.
    NoMatch,
    /// The result depends on what is found out later in the transaction.
    NotYetKnown,
}

impl From<bool> for Verdict {
    fn from(is_so: bool) -> Self {
        if is_so { Self::Match } else { Self::NoMatch }
    }
}

impl Not for Verdict {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Match => Self::NoMatch,
            Self::NoMatch => Self::Match,
            Self::NotYetKnown => Self::NotYetKnown,
        }
    }
}

/// The moments at which rules are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// At MAIL.
    Mail,
    /// At a RCPT, with its [position](crate::transaction::Command::position).
    Rcpt(usize),
    /// Before the first octets of the message go on, once the filters before this one let them
    /// pass.
    Message,
    /// Before the end of the message goes on. What is unknown by then stays unknown.
    End,
}

/// What matchers can read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Facts<'a> {
    /// The facts of the session.
    pub context: &'a Context,
    /// The signals so far.
    pub signals: &'a Signals,
    /// The MAIL command.
    pub mail: &'a Mail,
    /// The recipient, where the rule is evaluated for one.
    pub rcpt: Option<&'a Rcpt>,
    /// Recipients before this one that have passed here and, as far as is known, were not refused
    /// upstream; 0 where no matcher of the rule [counts](Matcher::counts_recipients).
    pub accepted: usize,
    /// The header section of the message, once it is there, and only where a matcher of the rule [reads
    /// it](Matcher::reads_header).
    pub header: Option<&'a HeaderSection>,
    /// The current moment.
    pub moment: Moment,
    pub(super) results: &'a Results,
}

/// A condition on a transaction, or on one of its recipients.
///
/// It decides at once, by the facts alone. A condition that needs a look-up is a filter of its own,
/// which writes a [signal](crate::signals).
pub trait Matcher: fmt::Debug + Send + Sync + 'static {
    /// The result.
    fn matches(&self, facts: &Facts<'_>) -> Verdict;

    /// Whether it can be evaluated only for single recipients, with [`Facts::rcpt`].
    fn is_about_recipient(&self) -> bool {
        false
    }

    /// Whether it reads [`Facts::accepted`]. Recipients are counted only for such matchers.
    fn counts_recipients(&self) -> bool {
        false
    }

    /// Whether it reads [`Facts::header`]. The header is read only for such matchers. It is not known at RCPT,
    /// so such a matcher cannot be evaluated for single recipients.
    fn reads_header(&self) -> bool {
        false
    }

    /// The durable signal without which it never matches. A check of the chain uses this to see whether
    /// something before the rule writes it.
    fn signal(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Whether its result may change later in the transaction.
    fn changes(&self) -> bool {
        false
    }
}
