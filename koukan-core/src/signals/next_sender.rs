//! Another chain of this agent, as a routing filter has named it.

use crate::context::Sender;

/// The signal by which a routing filter tells the end of a chain to hand the transaction on to the chain of that sender,
/// in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextSender(pub Sender);
