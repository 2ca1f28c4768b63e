//! What whoever operates the agent asks of its queue, and what is answered.
//!
//! *Queue* is all that the storage keeps, whoever brought it; what is over stands in it until it is
//! removed. Whoever answers a [`QueueRequest`] is a [`QueueService`]: the stage
//! [`Operator`](crate::stage::operator::Operator).

use jiff::Timestamp;
use tower::{BoxError, Service};

use crate::{
    body::Body,
    storage::{ListState, Search, record::Attempt},
};

use super::{Caller, Refusal, View};

/// A request of somebody who operates the agent.
#[derive(Debug, Clone)]
pub struct QueueRequest {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub operation: QueueOperation,
}

/// What is asked of the queue.
#[derive(Debug, Clone)]
pub enum QueueOperation {
    /// List transactions.
    List(QueueList),
    /// Show the transaction of that identity with each attempt at it.
    Show(Box<str>),
    /// Read the message of the transaction of that identity.
    Message(Box<str>),
}

/// Lists transactions, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueList {
    /// Which.
    pub filter: QueueFilter,
    /// How many at most; 0 for as many as is usual.
    pub limit: usize,
    /// Where the list before ended.
    pub cursor: Option<Box<str>>,
}

/// Some transactions of the queue: those of which all of this is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFilter {
    /// They came in on behalf of the sender of that name.
    pub sender: Option<Box<str>>,
    /// They are in this state; `None` for any.
    pub state: Option<ListState>,
    /// They are what is looked for.
    pub search: Search,
}

/// The answer to a [`QueueRequest`].
#[derive(Debug)]
pub enum QueueResponse {
    /// Some transactions, newest first.
    Listed(QueueListed),
    /// One transaction.
    Shown(Box<QueuedDetails>),
    /// The RFC 5322 message of a transaction, as attempts send it but for what their chains add.
    Message(Body),
    /// The request is not granted.
    Refused(Refusal),
}

/// Some transactions of the queue, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueListed {
    /// The transactions.
    pub transactions: Vec<Queued>,
    /// Where the list goes on, if it does.
    pub next: Option<Box<str>>,
}

/// A transaction of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    /// What is to happen with it.
    pub state: ListState,
    /// When it was made.
    pub created: Timestamp,
    /// The transaction, with its [details](View::details).
    pub view: Box<View>,
    /// The host or the domain that it goes to, as far as that was known before it was attempted.
    pub destination: Box<str>,
}

/// A transaction of the queue with all attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedDetails {
    /// The transaction.
    pub queued: Queued,
    /// The attempts that ended and were written down, the oldest first.
    pub attempts: Vec<Attempt>,
    /// The number of the first of them, counted from 1: of transactions that were never committed only
    /// the last attempt is kept.
    pub first_attempt: u32,
}

/// A tower service that answers requests of whoever operates the agent.
///
/// A blanket alias, as [`ResourceService`](super::ResourceService) is.
pub trait QueueService:
    Service<QueueRequest, Response = QueueResponse, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> QueueService for S where
    S: Service<QueueRequest, Response = QueueResponse, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

impl Default for QueueFilter {
    /// All that is not over.
    fn default() -> Self {
        Self {
            sender: None,
            state: Some(ListState::Unfinished),
            search: Search::default(),
        }
    }
}

impl From<Refusal> for QueueResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
