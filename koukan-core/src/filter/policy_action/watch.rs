//! Who is told of each look at a rule, also where it does not match.

use std::fmt;

use crate::reply::Reply;

use super::{Facts, PolicyAction, Verdict};

/// Is told of each look at a rule: for those who explain what rules do.
pub trait RuleWatch: fmt::Debug + Send + Sync + 'static {
    /// A rule was looked at.
    fn looked(&self, look: &Look<'_>);
}

/// A look at a rule.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Look<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// Its tag.
    pub tag: &'a str,
    /// What was looked at.
    pub facts: &'a Facts<'a>,
    /// What came of it.
    pub looked: Looked<'a>,
    /// The matchers that were asked, by their names, and what each said. Those are left out without which it
    /// was known.
    pub asked: &'a [(Box<str>, Verdict)],
}

/// What came of a look at a rule.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Looked<'a> {
    /// It matches: that is done, and with that it refuses.
    Match(PolicyAction, Option<&'a Reply>),
    /// It does not match.
    NoMatch,
    /// It does not know yet; the rules of its tag wait.
    NotYetKnown,
    /// One of its tag before it does not know yet.
    Waits,
    /// It has matched before, or one has that ends its tag.
    PassedOver,
}
