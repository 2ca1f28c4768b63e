//! Observers of every evaluation of a rule, even without a match.

use std::fmt;

use crate::reply::Reply;

use super::{Facts, PolicyAction, Verdict};

/// Is told of each evaluation of a rule, to explain what rules do.
pub trait RuleWatch: fmt::Debug + Send + Sync + 'static {
    /// A rule was evaluated.
    fn looked(&self, look: &Look<'_>);
}

/// An evaluation of a rule.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Look<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// Its tag.
    pub tag: &'a str,
    /// The facts.
    pub facts: &'a Facts<'a>,
    /// The outcome.
    pub looked: Looked<'a>,
    /// The matchers that were asked, by name, and their results. Matchers that were not needed are left out.
    pub asked: &'a [(Box<str>, Verdict)],
}

/// The outcome of an evaluation.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Looked<'a> {
    /// It matches: with this action and, for a refusal, this reply.
    Match(PolicyAction, Option<&'a Reply>),
    /// It does not match.
    NoMatch,
    /// The result is not known yet; later rules of its tag wait.
    NotYetKnown,
    /// The result of an earlier rule with its tag is not known yet.
    Waits,
    /// It has matched before, or a rule has ended its tag.
    PassedOver,
}
