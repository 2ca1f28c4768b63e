//! A sender's suppressed addresses, as operators see and change them.

use crate::{path::Mailbox, storage::record::Suppression};

/// A request about a sender's suppressed addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionOperation {
    /// The sender's name.
    pub sender: Box<str>,
    /// The operation.
    pub what: SuppressionAsked,
}

/// An operation on suppressed addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuppressionAsked {
    /// List them.
    List {
        /// How many at most; 0 for the default.
        limit: usize,
        /// After which address.
        after: Option<Box<str>>,
    },
    /// Show one.
    Show(Mailbox),
    /// Suppress an address.
    Keep {
        /// The address.
        mailbox: Mailbox,
        /// The reason, which recipients' senders are told.
        reason: Option<Box<str>>,
    },
    /// Send to an address again.
    Remove(Mailbox),
}

/// Some of the addresses, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionsListed {
    /// The addresses.
    pub suppressions: Vec<Suppression>,
    /// The address after which the list continues, if it does.
    pub next: Option<Box<str>>,
}
