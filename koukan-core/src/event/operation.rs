//! Actions of operators.

use crate::shares::Client;

/// An operator has changed something in the queue.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Operated<'a> {
    /// The operator: the name of its token, or its address.
    pub by: &'a Client,
    /// What was done, in a word.
    pub action: &'a str,
    /// Its target: the identity of a transaction, or a filter.
    pub target: &'a str,
    /// How many transactions the target covers.
    pub matched: u64,
    /// How many of them were changed. The cancellation of a transaction that is being worked on
    /// counts when it is requested.
    pub changed: u64,
}
