//! What a router asks.

use std::{fmt, sync::Arc};

use super::HostList;
use crate::{context::Sender, path::ForwardPath, reply::Rejection, signals::Destination};

/// What a policy says of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It goes there.
    Route(Destination),
    /// It goes to one of them, and to another where that does not answer: which is first is drawn once for a transaction.
    RouteToOneOf(HostList),
    /// It goes through the chain of that sender, in this process: a [hand-over](crate::stage::hand_over) below.
    HandOver(Sender),
    /// It is welcome; where it goes is decided elsewhere.
    Accept,
    /// It stands for these, of whom there is one at least, and each of which has the message: an Exploder below makes a
    /// part for each.
    Expand(Arc<[ForwardPath]>),
    /// It is refused.
    Reject(Rejection),
    /// The policy does not know it.
    Pass,
}

/// Decides by the address alone; what needs a look-up is a filter of its own.
pub trait Policy: fmt::Debug + Send + Sync + 'static {
    /// What is to become of a recipient.
    fn decide(&self, recipient: &ForwardPath) -> Decision;
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        (**self).decide(recipient)
    }
}

/// Policies in order: the first that knows the recipient decides.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Arc<dyn Policy>>);

impl Rules {
    /// No rules: no recipient is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule after the others.
    #[must_use]
    pub fn with(mut self, rule: impl Policy) -> Self {
        self.0.push(Arc::new(rule));
        self
    }
}

impl Policy for Rules {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let decisions = self.0.iter().map(|rule| rule.decide(recipient));
        let mut known = decisions.filter(|decision| *decision != Decision::Pass);
        known.next().unwrap_or(Decision::Pass)
    }
}
