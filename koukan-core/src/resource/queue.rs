//! Requests of operators about the queue, and their answers.
//!
//! The *queue* is everything that the storage keeps, whoever submitted it. Finished transactions
//! stay in it until they are removed. A [`QueueService`] answers a [`QueueRequest`]; the stage
//! [`Operator`](crate::stage::operator::Operator) is one.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use tower::{BoxError, Service};

use crate::{
    body::Body,
    storage::{
        QueueState, Search,
        record::{Attempt, Judged, QueueAction, Skipped, Suppression},
    },
};

use super::{
    Caller, DestinationOperation, DestinationView, DestinationsListed, HookOperation, HookView,
    Refusal, SuppressionOperation, SuppressionsListed, View,
};

/// A request of an operator.
#[derive(Debug, Clone)]
pub struct QueueRequest {
    /// The caller.
    pub caller: Caller,
    /// The operation.
    pub operation: QueueOperation,
}

/// An operation on the queue.
#[derive(Debug, Clone)]
pub enum QueueOperation {
    /// List transactions.
    List(QueueList),
    /// Show the transaction with this identity, and each attempt at it.
    Show(Box<str>),
    /// Read the message of this transaction.
    Message(Box<str>),
    /// Change this transaction.
    ChangeOne(Box<str>, QueueAction),
    /// Change many transactions.
    Change(QueueChange),
    /// See or change destinations.
    Destinations(DestinationOperation),
    /// See or change a sender's suppressed addresses.
    Suppressions(SuppressionOperation),
    /// See or change webhooks.
    Hooks(HookOperation),
}

/// A change of many transactions.
///
/// It continues if the caller goes away. Transactions that are queued meanwhile may or may not be
/// changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueChange {
    /// The change.
    pub action: QueueAction,
    /// Which transactions.
    pub filter: QueueFilter,
    /// Whether to report only what would be changed.
    pub is_dry: bool,
}

/// Lists transactions, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueList {
    /// Which transactions.
    pub filter: QueueFilter,
    /// How many at most; 0 for the default.
    pub limit: usize,
    /// Where the previous list ended.
    pub cursor: Option<Box<str>>,
}

/// A selection of the queue: transactions that meet all of these conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFilter {
    /// They were submitted by the sender with this name.
    pub sender: Option<Box<str>>,
    /// They are in this state; `None` for any.
    pub state: Option<QueueState>,
    /// They match this search.
    pub search: Search,
}

/// The answer to a [`QueueRequest`].
#[derive(Debug)]
pub enum QueueResponse {
    /// Some transactions, newest first.
    Listed(QueueListed),
    /// One transaction.
    Shown(Box<QueuedDetails>),
    /// The RFC 5322 message of a transaction, as attempts send it, without what their chains add.
    Message(Body),
    /// The result of a change of many.
    Changed(QueueChanged),
    /// Some destinations.
    Destinations(DestinationsListed),
    /// One destination.
    Destination(Box<DestinationView>),
    /// Some suppressed addresses of a sender.
    Suppressions(SuppressionsListed),
    /// A suppressed address; where it was removed, its former value.
    Suppression(Box<Suppression>),
    /// All webhooks, by name.
    Hooks(Vec<HookView>),
    /// One of them.
    Hook(Box<HookView>),
    /// The request is refused.
    Refused(Refusal),
}

/// The result of a change of many transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueChanged {
    /// How many were selected.
    pub matched: u64,
    /// How many of them were changed, or would be.
    pub changed: u64,
    /// How many recipients these have that are not settled. Each of them is concerned, also where the selection
    /// names another recipient of the same transaction.
    pub recipients: u64,
    /// How many stay unchanged, by reason.
    pub skipped: BTreeMap<Skipped, u64>,
}

/// Some transactions of the queue, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueListed {
    /// The transactions.
    pub transactions: Vec<QueuedTransaction>,
    /// Where the list goes on, if it does.
    pub next: Option<Box<str>>,
}

/// A transaction of the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedTransaction {
    /// Its state.
    pub state: QueueState,
    /// When it was created.
    pub created: Timestamp,
    /// Since when it is held, if it is.
    pub held: Option<Timestamp>,
    /// In how many crashes of the agent it was being worked on, since an attempt at it has ended. It may be the
    /// cause of the crashes, and is attempted alone.
    pub crashes: u32,
    /// Since when its destination is suspended, if it waits for that.
    pub suspended: Option<Timestamp>,
    /// The transaction, with its [details](View::details).
    pub view: Box<View>,
    /// The host or domain that it goes to, as far as that was known before an attempt.
    pub destination: Box<str>,
}

/// A transaction of the queue with all attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedDetails {
    /// The transaction.
    pub queued: QueuedTransaction,
    /// The attempts that were recorded, the oldest first.
    pub attempts: Vec<Attempt>,
    /// The number of the first of them, counted from 1. For transactions that were never committed,
    /// only the last attempt is kept.
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
    /// Everything that is not over.
    fn default() -> Self {
        Self {
            sender: None,
            state: Some(QueueState::Unfinished),
            search: Search::default(),
        }
    }
}

impl QueueChanged {
    /// Counts the results of some.
    pub fn count(&mut self, judged: &[Judged]) {
        for (_, verdict) in judged {
            self.matched += 1;
            match verdict {
                Ok(recipients) => {
                    self.changed += 1;
                    self.recipients += u64::from(*recipients);
                }
                Err(skipped) => *self.skipped.entry(*skipped).or_default() += 1,
            }
        }
    }
}

impl fmt::Display for QueueFilter {
    /// *Shape*: as the query of a request, not escaped; for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.map_or("any", QueueState::as_str);
        write!(f, "state={state}")?;
        let search = &self.search;
        let mail_from = search.reverse_path.as_deref();
        let mail_from = mail_from.map(|path| if path.is_empty() { "<>" } else { path });
        for (name, text) in [
            ("sender", self.sender.as_deref()),
            ("mail_from", mail_from),
            ("recipient", search.recipient.as_deref()),
            ("domain", search.domain.as_deref()),
            ("destination", search.destination.as_deref()),
            ("reply", search.last_reply.as_deref()),
        ] {
            if let Some(text) = text {
                write!(f, "&{name}={text}")?;
            }
        }
        for (name, time) in [("since", search.since), ("until", search.until)] {
            if let Some(time) = time {
                write!(f, "&{name}={time}")?;
            }
        }
        search.id.map_or(Ok(()), |id| write!(f, "&id={id}"))
    }
}

impl From<Refusal> for QueueResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
