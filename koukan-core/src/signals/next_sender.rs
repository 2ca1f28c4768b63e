//! A hand-over to another chain of this agent, as decided by a routing filter.

use crate::context::Sender;

/// The signal that tells the end of a chain to hand the transaction over to this sender's chain, in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextSender(pub Sender);
