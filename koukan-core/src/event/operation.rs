//! What is done by those who operate the agent.

use crate::shares::Client;

/// Somebody has changed something of the queue.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Operated<'a> {
    /// Who: the name of its token, or where it is.
    pub by: &'a Client,
    /// What was done, in a word.
    pub action: &'a str,
    /// To what: the identity of a transaction, or a filter.
    pub target: &'a str,
    /// How many were meant.
    pub matched: u64,
    /// How many of them were changed; a cancel of what is worked on counts once it is asked for.
    pub changed: u64,
}
