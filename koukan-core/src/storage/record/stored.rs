//! A transaction as a backend keeps it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    context::Context,
    path::ForwardPath,
    reply::{Handover, Reply},
    signals::Carried,
    transaction::{Mail, Rcpt},
};

use super::{
    Attempt, IdempotencyKey, MessageKey, NewBody, NewEvent, SessionId, StoredBody, TransactionId,
};

/// A transaction to be written in one commit, with its body where that fits.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// Its identity; must be new.
    pub id: TransactionId,
    /// When it was started.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The durable signals; the id of the message only where it is another than `id`.
    pub signals: Carried,
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients, in order.
    pub recipients: Vec<Recipient>,
    /// The message; `None` in the summary of a transaction that is over, and in a draft.
    pub body: Option<NewBody>,
    /// What it has in common with others of the same message, where there are some.
    pub message_key: Option<MessageKey>,
    /// What was promised to the originator.
    pub terms: Terms,
    /// Attempts that were made before it was written.
    pub attempts: Vec<Attempt>,
    /// What is to happen next.
    pub status: Status,
    /// The session that is working on it now, if one is; its fencing token is 1.
    pub leased_by: Option<SessionId>,
    /// What its originator calls it, so that a repeated request finds it again: unique among the
    /// transactions of a sender's name. It lives as long as the transaction.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// One of several transactions that are written together (see
/// [`Queue::commit`](super::super::Queue::commit)).
#[derive(Debug, Clone)]
pub enum Commit {
    /// A new one, as [`Queue::insert`](super::super::Queue::insert) writes it.
    Insert(NewTransaction),
    /// One in the place of its draft, as [`Queue::complete`](super::super::Queue::complete)
    /// writes it.
    Complete(NewTransaction),
}

/// A recipient, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The RCPT command.
    pub rcpt: Rcpt,
    /// The reply that settled it for good: delivered, or failed permanently.
    pub settled: Option<Reply>,
}

/// What was promised to the originator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Transient failures are retried.
    pub retry: bool,
    /// Final failures are told to the reverse-path.
    pub notify: bool,
}

/// What is to happen next with a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// There is something to do.
    Due(Due),
    /// Nothing more will be tried.
    Final(FinalReason),
}

/// Something to do at a certain time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Not before this time.
    pub at: Timestamp,
    /// What.
    pub work: Work,
}

impl Due {
    /// When it is due where it is made due earlier, at `at`: an attempt that waits for the time at which the message is
    /// to be sent waits for that all the same.
    pub(crate) fn brought_forward(self, at: Timestamp, send_at: Option<Timestamp>) -> Timestamp {
        let send_at = send_at.filter(|send_at| self.work == Work::Attempt && self.at >= *send_at);
        let at = send_at.map_or(at, |send_at| at.max(send_at));
        self.at.min(at)
    }
}

/// What is to be done with a transaction that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// An attempt at delivery.
    Attempt,
    /// A notification about recipients that failed, or whose sender wants to be told of success.
    Notify,
    /// Giving it up: it is a *draft*, whose message is not complete, and its time has come.
    /// Nothing is attempted.
    Abandon,
}

/// What is known of a transaction from crashes of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It was not under lease in a crash since the last attempt at it ended.
    Clear,
    /// It was, so that it may be what crashed the process.
    Suspect,
}

/// Why nothing more will be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinalReason {
    /// Every recipient was delivered.
    Delivered,
    /// Some recipients were delivered; the others failed for good, or ran out of attempts or time.
    PartlyDelivered,
    /// Some recipient failed for good, and none was delivered.
    Failed,
    /// Attempts or time ran out.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// Its message was never completed.
    DownstreamTimeout,
}

/// A transaction as it was read back.
#[derive(Debug, Clone)]
pub struct StoredTransaction {
    /// Its identity.
    pub id: TransactionId,
    /// When it was started.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The durable signals; the id of the message only where it is another than `id`.
    pub signals: Carried,
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients, in order.
    pub recipients: Vec<Recipient>,
    /// The message, unless it was only summarised or has been collected.
    pub body: Option<StoredBody>,
    /// What it has in common with others that carry the same octets.
    pub message_key: Option<MessageKey>,
    /// What was promised to the originator.
    pub terms: Terms,
    /// How many attempts were made.
    pub attempt_count: u32,
    /// The most recent attempt.
    pub last_attempt: Option<Attempt>,
    /// What is to happen next.
    pub status: Status,
    /// Since when no attempt is made, where somebody holds it back. Only where an attempt is to be made.
    pub held: Option<Timestamp>,
    /// In how many crashes of the process it was worked on since an attempt at it ended: it may be what crashes it.
    pub crashes: u32,
}

/// A transaction that this session alone may work on, until it settles or releases it.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The transaction.
    pub transaction: StoredTransaction,
    /// Grows with each lease of the transaction; every write checks it.
    pub fence: u64,
}

/// What becomes of a leased transaction; written in one commit, which also ends the lease.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The transaction.
    pub id: TransactionId,
    /// The session that holds the lease.
    pub session: SessionId,
    /// The lease's fencing token.
    pub fence: u64,
    /// The attempt that was made, if one was.
    pub attempt: Option<Attempt>,
    /// What has become of the recipients: as many as the transaction has, in order.
    pub recipients: Vec<Recipient>,
    /// What is to happen next.
    pub status: Status,
    /// A notification to be queued in the same commit.
    pub notification: Option<Box<NewTransaction>>,
    /// What readers of events are to know of it, before what they are told of the notification. Empty
    /// where the backend keeps no events.
    pub events: Vec<NewEvent>,
    /// What becomes of others, in the same commit: of all of them or of none, this one included. Those have
    /// none of their own.
    pub together: Vec<Self>,
}

impl Status {
    /// Whether nothing more will be tried.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Final(_))
    }
}

impl Recipient {
    /// Whether the sender is to be told what has become of it (RFC 3461 section 5.2): that it has failed,
    /// or that it was delivered where nobody else tells of that.
    pub fn is_to_be_told(&self) -> bool {
        let notify = self.rcpt.notify();
        let is_told =
            |reply: &Reply| matches!(reply.handover(), Some(Handover::PassedOn | Handover::Told));
        match &self.settled {
            Some(reply) if reply.is_negative() => notify.failure,
            Some(reply) => notify.success && !is_told(reply),
            None => false,
        }
    }

    /// Those of `recipients` that are not settled.
    pub(crate) fn open(recipients: &[Self]) -> Vec<&ForwardPath> {
        let open = recipients.iter();
        let open = open.filter(|recipient| recipient.settled.is_none());
        open.map(|recipient| &recipient.rcpt.forward_path).collect()
    }
}

impl StoredTransaction {
    /// Whether it waits, unattempted, for the time at which it is to be sent; not told of what is under
    /// lease or held.
    pub fn is_scheduled(&self) -> bool {
        let due = match &self.status {
            Status::Due(due) if due.work == Work::Attempt => Some(due.at),
            _ => None,
        };
        due.is_some() && due == self.signals.send_at() && self.attempt_count == 0
    }
}

impl Commit {
    /// What is written.
    pub fn transaction(&self) -> &NewTransaction {
        match self {
            Self::Insert(new) | Self::Complete(new) => new,
        }
    }
}

impl NewTransaction {
    /// Since when it is final; `None` where it is not.
    pub fn final_since(&self) -> Option<Timestamp> {
        let last = self.attempts.last().map(|attempt| attempt.ended);
        self.status
            .is_final()
            .then_some(last.unwrap_or(self.created))
    }
}

impl Settlement {
    /// Since when the transaction is final, as far as the settlement tells: the end of the attempt
    /// or the time of the notification.
    ///
    /// Where it does not tell, a backend counts from when it first collects garbage.
    pub fn final_since(&self) -> Option<Timestamp> {
        let attempt = self.attempt.as_ref().map(|attempt| attempt.ended);
        let notified = self.notification.as_ref().map(|new| new.created);
        attempt.or(notified).filter(|_| self.status.is_final())
    }
}

impl FinalReason {
    /// The reason in words, as in logs and the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::PartlyDelivered => "partly delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::DownstreamTimeout => "downstream timeout",
        }
    }
}
