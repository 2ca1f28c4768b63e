//! The chain for a stored transaction.

use std::{collections::HashMap, sync::Arc};

use foldhash::quality::RandomState;

use crate::{context::Sender, service::BoxMailService};

use super::RetryPolicy;

/// A chain of filters that ends in an endpoint, with its retry policy.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The filters and the endpoint.
    pub service: BoxMailService,
    /// The retry policy.
    pub retry: RetryPolicy,
}

/// Finds the chain of a sender.
pub trait Chains: Send + Sync + 'static {
    /// The chain for this sender and tag, if there is one.
    fn find(&self, sender: &Sender) -> Option<Chain>;
}

/// Chains by sender and tag.
#[derive(Debug, Default)]
pub struct ChainMap(HashMap<Sender, Chain, RandomState>);

impl ChainMap {
    /// No chains.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a chain, replacing an earlier one for the same sender and tag.
    #[must_use]
    pub fn with(mut self, sender: Sender, chain: Chain) -> Self {
        self.0.insert(sender, chain);
        self
    }
}

impl Chains for ChainMap {
    fn find(&self, sender: &Sender) -> Option<Chain> {
        self.0.get(sender).cloned()
    }
}

impl<C: Chains> Chains for Arc<C> {
    fn find(&self, sender: &Sender) -> Option<Chain> {
        (**self).find(sender)
    }
}

/// The same chain for everyone.
impl Chains for Chain {
    fn find(&self, _: &Sender) -> Option<Chain> {
        Some(self.clone())
    }
}
