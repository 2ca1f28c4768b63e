//! Answers.

use jiff::Timestamp;

use super::{Location, Refusal, Version, View};

/// The answer to a [`ResourceRequest`](super::ResourceRequest).
#[derive(Debug, Clone, PartialEq)]
pub enum ResourceResponse {
    /// The transaction was created now, or by an earlier identical request.
    Created(Created),
    /// The current state of the transaction.
    Current {
        /// The transaction.
        view: Box<View>,
        /// Its version.
        version: Version,
    },
    /// The version in the request is still current.
    Unchanged(Version),
    /// The octets were written.
    Uploaded(Uploaded),
    /// The sender's transactions.
    Listed(TransactionsListed),
    /// The request is refused.
    Refused(Refusal),
}

/// A transaction that was created.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// Its location.
    pub location: Location,
    /// The transaction.
    pub view: Box<View>,
    /// Its version.
    pub version: Version,
    /// Whether an earlier request has created it.
    pub is_replayed: bool,
}

/// Octets that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    /// The current length of the blob, in octets.
    pub len: u64,
    /// Its final length, where that is known.
    pub total: Option<u64>,
    /// Whether it is complete.
    pub finalized: bool,
}

/// Some of a sender's transactions, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionsListed {
    /// The transactions.
    pub transactions: Vec<ListedTransaction>,
    /// Where the list continues, if it does.
    pub next: Option<Box<str>>,
}

/// One of a sender's transactions.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTransaction {
    /// Its location.
    pub location: Location,
    /// When it was created.
    pub created: Timestamp,
    /// The transaction.
    pub view: Box<View>,
}

impl From<Refusal> for ResourceResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
