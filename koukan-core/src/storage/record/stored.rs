//! A transaction as a backend keeps it.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    blob::BlobId,
    context::Context,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use super::{Attempt, SessionId, TransactionId};

/// A transaction to be written in one commit, with its body where that fits.
#[derive(Debug, Clone)]
pub struct NewTransaction {
    /// Its identity; must be new.
    pub id: TransactionId,
    /// When it was started.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients, in order.
    pub recipients: Vec<Recipient>,
    /// The message; `None` in the summary of a transaction that is over.
    pub body: Option<NewBody>,
    /// What was promised to the originator.
    pub terms: Terms,
    /// Attempts that were made before it was written.
    pub attempts: Vec<Attempt>,
    /// What is to happen next.
    pub status: Status,
    /// The session that is working on it now, if one is; its fencing token is 1.
    pub leased_by: Option<SessionId>,
}

/// A recipient, and what has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The RCPT command.
    pub rcpt: Rcpt,
    /// The reply that settled it for good: delivered, or failed permanently.
    pub settled: Option<Reply>,
}

/// A message to be written: octets that stand before the blob, and the blob.
#[derive(Debug, Clone)]
pub struct NewBody {
    /// Header fields that were put before the blob; complete lines.
    pub prefix: Bytes,
    /// The blob.
    pub blob: BlobId,
    /// The blob's length in octets.
    pub len: u64,
    /// The blob's octets.
    pub content: BlobContent,
}

/// Where the octets of a blob come from when a transaction is written.
#[derive(Debug, Clone)]
pub enum BlobContent {
    /// They are written in the same commit, unless the blob is there already.
    Inline(Vec<Bytes>),
    /// They were appended and finished before.
    Stored,
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

/// What is to be done with a transaction that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// An attempt at delivery.
    Attempt,
    /// A notification about recipients that failed.
    Notify,
}

/// Why nothing more will be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinalReason {
    /// Every recipient was delivered.
    Delivered,
    /// Some recipient failed for good.
    Failed,
    /// Attempts or time ran out.
    Expired,
    /// It was cancelled.
    Cancelled,
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
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients, in order.
    pub recipients: Vec<Recipient>,
    /// The message, unless it was only summarised or has been collected.
    pub body: Option<StoredBody>,
    /// What was promised to the originator.
    pub terms: Terms,
    /// How many attempts were made.
    pub attempt_count: u32,
    /// The most recent attempt.
    pub last_attempt: Option<Attempt>,
    /// What is to happen next.
    pub status: Status,
}

/// A message as it lies in a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBody {
    /// Octets that stand before the blob.
    pub prefix: Bytes,
    /// The blob, to be read with [`Backend::read_blob`](crate::storage::Backend::read_blob).
    pub blob: BlobId,
    /// The blob's length in octets.
    pub len: u64,
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
    /// The reason as one word, as in logs and the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}
