//! Addresses to which a sender sends nothing, as whoever operates the agent sees and changes them.

use crate::{path::Mailbox, storage::record::Suppression};

/// What is asked of the addresses to which a sender sends nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionOperation {
    /// The sender's name.
    pub sender: Box<str>,
    /// What.
    pub what: SuppressionAsked,
}

/// What is asked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuppressionAsked {
    /// List them.
    List {
        /// How many at most; 0 for as many as is usual.
        limit: usize,
        /// After which address.
        after: Option<Box<str>>,
    },
    /// Show one.
    Show(Mailbox),
    /// From now on nothing is sent to an address.
    Keep {
        /// The address.
        mailbox: Mailbox,
        /// Why; as a sender's recipients are told.
        reason: Option<Box<str>>,
    },
    /// An address is sent to again.
    Remove(Mailbox),
}

/// Some of the addresses, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionsListed {
    /// Them.
    pub suppressions: Vec<Suppression>,
    /// After which address the list goes on, if it does.
    pub next: Option<Box<str>>,
}
