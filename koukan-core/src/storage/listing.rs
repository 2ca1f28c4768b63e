//! Lists of transactions.

use jiff::Timestamp;

use super::{Search, record::TransactionId};

/// Which transactions are listed, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Only those of the sender of this name, whatever the tag.
    pub sender: Option<Box<str>>,
    /// Only those in this state.
    pub state: Option<ListState>,
    /// Only those that are looked for.
    pub search: Search,
    /// Only those that come after this one in the list.
    pub before: Option<ListCursor>,
    /// How many, at most.
    pub limit: usize,
}

/// What is to happen with the transactions that are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListState {
    /// Due now or later, not under lease.
    Waiting,
    /// Under lease.
    Active,
    /// Final.
    Finished,
}

/// A place in a list: that of the transaction with these values.
///
/// A list goes from new to old; transactions that were started at the same time stand in the order
/// of their identities, the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListCursor {
    /// When the transaction was started.
    pub created: Timestamp,
    /// Its identity.
    pub id: TransactionId,
}
