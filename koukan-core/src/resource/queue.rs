//! What whoever operates the agent asks of its queue, and what is answered.
//!
//! *Queue* is all that the storage keeps, whoever brought it; what is over stands in it until it is
//! removed. Whoever answers a [`QueueRequest`] is a [`QueueService`]: the stage
//! [`Operator`](crate::stage::operator::Operator).

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
    /// Change the transaction of that identity.
    ChangeOne(Box<str>, QueueAction),
    /// Change many.
    Change(QueueChange),
    /// See or change destinations.
    Destinations(DestinationOperation),
    /// See or change addresses to which a sender sends nothing.
    Suppressions(SuppressionOperation),
    /// See or change webhooks.
    Hooks(HookOperation),
}

/// Changes many transactions.
///
/// It goes on where whoever asks goes away. What comes into the queue meanwhile may be changed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueChange {
    /// What is to become of them.
    pub action: QueueAction,
    /// Which.
    pub filter: QueueFilter,
    /// Whether only what would become of them is told.
    pub is_dry: bool,
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
    pub state: Option<QueueState>,
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
    /// Many were changed.
    Changed(QueueChanged),
    /// Some destinations.
    Destinations(DestinationsListed),
    /// One destination.
    Destination(Box<DestinationView>),
    /// Some addresses to which a sender sends nothing.
    Suppressions(SuppressionsListed),
    /// One of them; where it was removed, as it was.
    Suppression(Box<Suppression>),
    /// All webhooks, by name.
    Hooks(Vec<HookView>),
    /// One of them.
    Hook(Box<HookView>),
    /// The request is not granted.
    Refused(Refusal),
}

/// What became of many transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueChanged {
    /// How many were looked for.
    pub matched: u64,
    /// How many of them were changed, or would be.
    pub changed: u64,
    /// How many stay as they are, by the reason.
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
    /// What is to happen with it.
    pub state: QueueState,
    /// When it was made.
    pub created: Timestamp,
    /// Since when no attempt is made, where somebody holds it back.
    pub held: Option<Timestamp>,
    /// In how many crashes of the agent it was worked on since an attempt at it ended: it may be what crashes the
    /// agent, and is attempted alone.
    pub crashes: u32,
    /// Since when its destination is suspended, where it waits for that.
    pub suspended: Option<Timestamp>,
    /// The transaction, with its [details](View::details).
    pub view: Box<View>,
    /// The host or the domain that it goes to, as far as that was known before it was attempted.
    pub destination: Box<str>,
}

/// A transaction of the queue with all attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedDetails {
    /// The transaction.
    pub queued: QueuedTransaction,
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
            state: Some(QueueState::Unfinished),
            search: Search::default(),
        }
    }
}

impl QueueChanged {
    /// Counts what became of some.
    pub fn count(&mut self, judged: &[Judged]) {
        for (_, verdict) in judged {
            self.matched += 1;
            match verdict {
                Ok(()) => self.changed += 1,
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
