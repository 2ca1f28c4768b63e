//! A transaction in a backend.

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

/// A transaction to be written in one commit, with its body if that is small enough.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// Its identity, which must be new.
    pub id: TransactionId,
    /// When it was created.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The durable signals, with the message's id only if it differs from `id`.
    pub signals: Carried,
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients, in order.
    pub recipients: Vec<Recipient>,
    /// The message; `None` in a summary and in a draft.
    pub body: Option<NewBody>,
    /// The key that it shares with other transactions of the same message, if there are any.
    pub message_key: Option<MessageKey>,
    /// What was promised to the originator.
    pub terms: Terms,
    /// Attempts that were made before it was written.
    pub attempts: Vec<Attempt>,
    /// The next step.
    pub status: Status,
    /// The session that holds its lease from the start, if there is one; the fencing token is 1.
    pub leased_by: Option<SessionId>,
    /// The originator's name for it, so that a repeated request finds it: unique among a sender's
    /// transactions, and kept as long as the transaction.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// One of several transactions that are written together (see
/// [`Queue::commit`](super::super::Queue::commit)).
#[derive(Debug, Clone)]
pub enum Commit {
    /// A new one, as [`Queue::insert`](super::super::Queue::insert) writes it.
    Insert(NewTransaction),
    /// One that replaces its draft, as [`Queue::complete`](super::super::Queue::complete) writes
    /// it.
    Complete(NewTransaction),
}

/// A recipient with its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The RCPT command.
    pub rcpt: Rcpt,
    /// The reply that settled it: delivered, or failed permanently.
    pub settled: Option<Reply>,
}

/// What was promised to the originator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// Transient failures are retried.
    pub retry: bool,
    /// The reverse-path is notified of permanent failures.
    pub notify: bool,
}

/// The next step for a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// There is work to do.
    Due(Due),
    /// Nothing more will be tried.
    Final(FinalReason),
}

/// Work at a certain time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Not before this time.
    pub at: Timestamp,
    /// The work.
    pub work: Work,
}

impl Due {
    /// The new status when it is made due earlier, at `at`: an attempt that waits for its time of sending is not made
    /// before that.
    pub(crate) fn brought_forward(self, at: Timestamp, send_at: Option<Timestamp>) -> Timestamp {
        let send_at = send_at.filter(|send_at| self.work == Work::Attempt && self.at >= *send_at);
        let at = send_at.map_or(at, |send_at| at.max(send_at));
        self.at.min(at)
    }
}

/// The work for a due transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// An attempt at delivery.
    Attempt,
    /// A notification about recipients that failed, or whose sender has asked for notifications of
    /// success.
    Notify,
    /// Giving it up: it is a *draft* whose message is not complete, and its time is over. Nothing
    /// is attempted.
    Abandon,
}

/// Whether a transaction may have crashed the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It was not leased during a crash since the last attempt at it has ended.
    Clear,
    /// It was, so it may have caused the crash.
    Suspect,
}

/// Why nothing more will be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinalReason {
    /// Every recipient was delivered.
    Delivered,
    /// Some recipients were delivered; the others failed permanently, or ran out of attempts or
    /// time.
    PartlyDelivered,
    /// Some recipient failed permanently, and none was delivered.
    Failed,
    /// Attempts or time ran out.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// Its message was never completed.
    DownstreamTimeout,
}

/// A transaction that was read back.
#[derive(Debug, Clone)]
pub struct StoredTransaction {
    /// Its identity.
    pub id: TransactionId,
    /// When it was created.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The durable signals, with the message's id only if it differs from `id`.
    pub signals: Carried,
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients, in order.
    pub recipients: Vec<Recipient>,
    /// The message, unless there is only a summary or it was removed.
    pub body: Option<StoredBody>,
    /// The key that it shares with other transactions of the same octets.
    pub message_key: Option<MessageKey>,
    /// What was promised to the originator.
    pub terms: Terms,
    /// How many attempts were made.
    pub attempt_count: u32,
    /// The most recent attempt.
    pub last_attempt: Option<Attempt>,
    /// The next step.
    pub status: Status,
    /// Since when it is held, if it is; only where an attempt is to be made.
    pub held: Option<Timestamp>,
    /// In how many crashes of the process it was being worked on, since an attempt at it has ended: it may have
    /// caused them.
    pub crashes: u32,
    /// Whether a session has leased it. If that session is dead, this is so until its leases are taken away.
    pub is_leased: bool,
}

/// A transaction that only this session may work on, until it settles or releases it.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The transaction.
    pub transaction: StoredTransaction,
    /// The fencing token. It grows with each lease of the transaction, and every write checks it.
    pub fence: u64,
}

/// The outcome for a leased transaction. It is written in one commit, which also ends the lease.
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
    /// The recipients with their new states: all of the transaction's, in order.
    pub recipients: Vec<Recipient>,
    /// The next step.
    pub status: Status,
    /// A notification to be queued in the same commit.
    pub notification: Option<Box<NewTransaction>>,
    /// New transactions in the same commit: parts of the attempt that have not delivered its message, and are kept to be
    /// attempted by themselves. A blob that one of them brings may be declared as stored by later ones.
    pub kept: Vec<NewTransaction>,
    /// The events of the settlement, before those of the notification. Empty where the backend keeps no
    /// events.
    pub events: Vec<NewEvent>,
    /// Settlements of others in the same commit, all or none, including this one. These contain no further
    /// ones.
    pub together: Vec<Self>,
}

impl Status {
    /// Whether nothing more will be tried.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Final(_))
    }
}

impl Recipient {
    /// Whether the sender must be notified of its result (RFC 3461 section 5.2): that it failed, or that
    /// it was delivered where nobody else reports that.
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

    /// The recipients that are not settled.
    pub(crate) fn open(recipients: &[Self]) -> Vec<&ForwardPath> {
        let open = recipients.iter();
        let open = open.filter(|recipient| recipient.settled.is_none());
        open.map(|recipient| &recipient.rcpt.forward_path).collect()
    }
}

impl StoredTransaction {
    /// Whether it waits, unattempted, for its time of sending. Leased and held transactions are not
    /// considered.
    pub fn is_scheduled(&self) -> bool {
        let due = match &self.status {
            Status::Due(due) if due.work == Work::Attempt => Some(due.at),
            _ => None,
        };
        due.is_some() && due == self.signals.send_at() && self.attempt_count == 0
    }

    /// The start of its time.
    pub(crate) fn begins(&self) -> Timestamp {
        begins(self.created, self.signals.send_at())
    }
}

/// The start of the time of a transaction: when it was created, or its time of sending.
pub(crate) fn begins(created: Timestamp, send_at: Option<Timestamp>) -> Timestamp {
    send_at.map_or(created, |at| at.max(created))
}

impl Commit {
    /// The transaction to write.
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
    /// Since when the transaction is final, as far as the settlement tells: the end of the attempt,
    /// or the time of the notification.
    ///
    /// If it does not tell, a backend counts from its next removal of garbage.
    pub fn final_since(&self) -> Option<Timestamp> {
        let attempt = self.attempt.as_ref().map(|attempt| attempt.ended);
        let notified = self.notification.as_ref().map(|new| new.created);
        attempt.or(notified).filter(|_| self.status.is_final())
    }
}

impl FinalReason {
    /// Words for the reason, as in logs and the REST API.
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
