//! Lists of transactions.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use super::{Search, record::TransactionId};

/// Which transactions are listed, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Only those of the sender with this name, whatever the tag.
    pub sender: Option<Box<str>>,
    /// Only those in this state.
    pub state: Option<QueueState>,
    /// Only those that match this search.
    pub search: Search,
    /// Only those after this position in the list.
    pub before: Option<ListCursor>,
    /// How many at most.
    pub limit: usize,
}

/// States by which transactions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueState {
    /// Due now or later, not under lease.
    Waiting,
    /// Under lease.
    Active,
    /// Final.
    Finished,
    /// Held and not leased; also counts as waiting.
    Held,
    /// Not attempted yet, with a time of sending; also counts as waiting.
    Scheduled,
    /// Waiting or under lease.
    Unfinished,
}

/// A position in a list: that of the transaction with these values.
///
/// Lists go from new to old. Transactions created at the same time are ordered by identity, the
/// greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListCursor {
    /// When the transaction was started.
    pub created: Timestamp,
    /// Its identity.
    pub id: TransactionId,
}

/// The text is not a position in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position in a list")]
pub struct InvalidCursor;

impl QueueState {
    /// Whether this state includes the (most specific) state `other`.
    pub fn takes(self, other: Self) -> bool {
        match self {
            Self::Unfinished => other != Self::Finished,
            Self::Waiting => matches!(other, Self::Waiting | Self::Held | Self::Scheduled),
            narrow => narrow == other,
        }
    }

    /// A word for the state, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Finished => "finished",
            Self::Held => "held",
            Self::Scheduled => "scheduled",
            Self::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for ListCursor {
    /// *Shape*: opaque to others; [`ListCursor::from_str`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created.as_nanosecond(), self.id)
    }
}

impl FromStr for ListCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (created, id) = text.split_once('.').ok_or(InvalidCursor)?;
        let nanoseconds = created.parse().map_err(|_| InvalidCursor)?;
        Ok(Self {
            created: Timestamp::from_nanosecond(nanoseconds).map_err(|_| InvalidCursor)?,
            id: id.parse().map_err(|_| InvalidCursor)?,
        })
    }
}
