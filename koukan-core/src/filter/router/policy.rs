//! The policies of routers.

use std::{fmt, sync::Arc};

use super::HostList;
use crate::{context::Sender, path::ForwardPath, reply::Rejection, signals::Destination};

/// A policy's decision about a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It goes to this destination.
    Route(Destination),
    /// It goes to one of these hosts, and to another if that one does not answer. The order is drawn once for a
    /// transaction.
    RouteToOneOf(HostList),
    /// It goes through this sender's chain, in this process: a [hand-over](crate::stage::hand_over) below.
    HandOver(Sender),
    /// It is accepted; its destination is decided elsewhere.
    Accept,
    /// It stands for these recipients, at least one, each of which gets the message: an Exploder below makes a part for
    /// each.
    Expand(Arc<[ForwardPath]>),
    /// It is refused.
    Reject(Rejection),
    /// The policy does not know it.
    Pass,
}

/// Decides by the address alone. A decision that needs a look-up is a filter of its own.
pub trait Policy: fmt::Debug + Send + Sync + 'static {
    /// The decision about a recipient.
    fn decide(&self, recipient: &ForwardPath) -> Decision;
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        (**self).decide(recipient)
    }
}

/// Policies in order; the first that knows the recipient decides.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<Arc<dyn Policy>>);

impl Rules {
    /// No rules: every recipient is unknown.
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
