//! What is answered.

use jiff::Timestamp;

use super::{Location, Refusal, Version, View};

/// The answer to a [`ResourceRequest`](super::ResourceRequest).
#[derive(Debug, Clone, PartialEq)]
pub enum ResourceResponse {
    /// The transaction was made, or had been by the request that this one repeats.
    Created(Created),
    /// The transaction as it is now.
    Current {
        /// The transaction.
        view: Box<View>,
        /// Its version.
        version: Version,
    },
    /// The version that was asked about is still the current one.
    Unchanged(Version),
    /// The octets were written.
    Uploaded(Uploaded),
    /// What the sender has.
    Listed(TransactionsListed),
    /// The request is not granted.
    Refused(Refusal),
}

/// A transaction that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// Where it is.
    pub location: Location,
    /// The transaction.
    pub view: Box<View>,
    /// Its version.
    pub version: Version,
    /// Whether it was made by an earlier request, which this one repeats.
    pub is_replayed: bool,
}

/// Octets that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    /// Octets that the blob has now.
    pub len: u64,
    /// Octets that it will have, where that is known.
    pub total: Option<u64>,
    /// Whether it is complete.
    pub finalized: bool,
}

/// Some of a sender's transactions, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TransactionsListed {
    /// The transactions.
    pub transactions: Vec<ListedTransaction>,
    /// Where the list goes on, if it does.
    pub next: Option<Box<str>>,
}

/// One of a sender's transactions.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedTransaction {
    /// Where it is.
    pub location: Location,
    /// When it was made.
    pub created: Timestamp,
    /// The transaction.
    pub view: Box<View>,
}

impl From<Refusal> for ResourceResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
