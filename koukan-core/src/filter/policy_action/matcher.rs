//! What a rule asks.

use std::{borrow::Cow, fmt, ops::Not};

use crate::{
    context::Context,
    message::header_section::HeaderSection,
    signals::Signals,
    transaction::{Mail, Rcpt},
};

use super::results::Results;

/// What a matcher says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is so.
    Match,
    /// It is not so.
    NoMatch,
    /// It depends on what is found out later in the transaction.
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

/// When in a transaction rules are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// At MAIL.
    Mail,
    /// At a RCPT; its [position](crate::transaction::Command::position).
    Rcpt(usize),
    /// Before the first octets of the message go on: once the filters before this one let them.
    Message,
    /// Before the end of the message goes on. What is not known by then does not become known.
    End,
}

/// What matchers look at.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Facts<'a> {
    /// The facts of the session.
    pub context: &'a Context,
    /// What filters have found out so far.
    pub signals: &'a Signals,
    /// The MAIL command.
    pub mail: &'a Mail,
    /// The recipient that it is about, where it is about one.
    pub rcpt: Option<&'a Rcpt>,
    /// Recipients before this one that have passed here and were not refused further on, as far as that
    /// is known; 0 where no matcher of the rule [counts](Matcher::counts_recipients).
    pub accepted: usize,
    /// The header section of the message, once it is there; only where a matcher of the rule
    /// [reads it](Matcher::reads_header).
    pub header: Option<&'a HeaderSection>,
    /// When.
    pub moment: Moment,
    pub(super) results: &'a Results,
}

/// Something that is so of a transaction, or of one of its recipients, or is not.
///
/// It tells by what it is given alone, and at once: what needs a look-up is a filter of its own, which
/// writes a [signal](crate::signals).
pub trait Matcher: fmt::Debug + Send + Sync + 'static {
    /// Whether it is so.
    fn matches(&self, facts: &Facts<'_>) -> Verdict;

    /// Whether it can only be asked of single recipients, so that [`Facts::rcpt`] is there.
    fn is_about_recipient(&self) -> bool {
        false
    }

    /// Whether it looks at [`Facts::accepted`], which is counted for those who do.
    fn counts_recipients(&self) -> bool {
        false
    }

    /// Whether it looks at [`Facts::header`], which is read for those who do. It is not there at RCPT, so that
    /// it cannot be asked of single recipients.
    fn reads_header(&self) -> bool {
        false
    }

    /// The durable signal without which it is never so: who checks a chain sees whether something before
    /// the rule writes it.
    fn signal(&self) -> Option<Cow<'_, str>> {
        None
    }

    /// Whether what it has said once may be otherwise later in the transaction.
    fn changes(&self) -> bool {
        false
    }
}
