//! What can be asked of the writer.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::storage::{
    BackendError, Collected, Recovered,
    record::{
        Change, Companions, Judged, SchedulingKey, SessionId, Standing, SuppressionChange,
        SuspensionChange, Work,
    },
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::row::{LeaseRow, SettlementRow, TransactionRow};

use super::{super::error::closed, lapse::Claimed, together::Together};

/// An operation, and its share of the memory for those that wait.
pub(super) struct Queued {
    pub(super) operation: Operation,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

pub(in crate::sqlite) enum Operation {
    Append(Pending<Append, ()>),
    Finish(Pending<Finish, ()>),
    Insert(Pending<Box<TransactionRow>, ()>),
    Complete(Pending<Box<TransactionRow>, ()>),
    Together(Pending<Together, ()>),
    Summarise(Pending<Vec<TransactionRow>, ()>),
    Settle(Pending<Box<SettlementRow>, ()>),
    Release(Pending<LeaseRow, ()>),
    OpenSession(Pending<OpenSession, Recovered>),
    Take(Pending<Take, Claimed>),
    Claim(Pending<Claim, Claimed>),
    Collect(Pending<Collect, Collected>),
    BringForward(Pending<Duration, ()>),
    Change(Pending<Change, Vec<Judged>>),
    ChangeSuspension(Pending<SuspensionChange, ()>),
    ChangeSuppression(Pending<SuppressionChange, ()>),
    Cursor(Pending<KeepCursor, ()>),
    /// Waits for what a write waits for, and writes nothing.
    Probe(Pending<(), ()>),
    /// Leases were taken for someone who has gone away.
    Lapse,
    /// Everything before it is done first, and nothing after it.
    Close(Pending<(), ()>),
}

/// Octets for the end of a blob.
pub(in crate::sqlite) struct Append {
    pub(in crate::sqlite) blob: String,
    pub(in crate::sqlite) offset: i64,
    pub(in crate::sqlite) octets: Bytes,
    pub(in crate::sqlite) now: i64,
}

/// The end of a blob.
pub(in crate::sqlite) struct Finish {
    pub(in crate::sqlite) blob: String,
    pub(in crate::sqlite) len: i64,
}

/// How far a reader of events has come.
pub(in crate::sqlite) struct KeepCursor {
    pub(in crate::sqlite) name: Box<str>,
    pub(in crate::sqlite) number: i64,
}

/// The begin of a session.
pub(in crate::sqlite) struct OpenSession {
    pub(in crate::sqlite) session: SessionId,
    pub(in crate::sqlite) now: Timestamp,
}

/// A lease on one transaction.
pub(in crate::sqlite) struct Take {
    pub(in crate::sqlite) id: String,
    pub(in crate::sqlite) session: SessionId,
    pub(in crate::sqlite) work: Option<Work>,
}

/// Leases on what is due.
pub(in crate::sqlite) struct Claim {
    pub(in crate::sqlite) session: SessionId,
    pub(in crate::sqlite) now: Timestamp,
    pub(in crate::sqlite) of: Claims,
}

/// What is to be taken under lease, of that which is due.
pub(in crate::sqlite) enum Claims {
    /// What is due first.
    Due {
        standing: Standing,
        limit: usize,
        /// In JSON.
        except: Box<str>,
    },
    /// Attempts for one destination, what is due first first.
    For {
        destination: SchedulingKey,
        limit: usize,
    },
    /// What goes with something that is under lease already.
    Companions {
        companions: Vec<Companions>,
        limit: usize,
    },
}

/// The removal of garbage.
pub(in crate::sqlite) struct Collect {
    pub(in crate::sqlite) now: i64,
    pub(in crate::sqlite) final_before: i64,
    pub(in crate::sqlite) orphans: Vec<String>,
    /// Older events are removed.
    pub(in crate::sqlite) events_before: i64,
    /// How many events are kept, at most.
    pub(in crate::sqlite) events_kept: i64,
}

/// A request, and who waits for the answer.
pub(in crate::sqlite) struct Pending<Q, T> {
    pub(super) request: Q,
    outcome: Option<Result<T, BackendError>>,
    answer: oneshot::Sender<Result<T, BackendError>>,
}

impl<Q, T> Pending<Q, T> {
    pub(super) fn new(request: Q, answer: oneshot::Sender<Result<T, BackendError>>) -> Self {
        Self {
            request,
            outcome: None,
            answer,
        }
    }

    /// One of several requests whose answer is one.
    pub(super) fn unheard(request: Q) -> Self {
        let (answer, _) = oneshot::channel();
        Self::new(request, answer)
    }

    /// Notes what the answer will be once the commit is done.
    pub(super) fn decide(&mut self, outcome: Result<T, BackendError>) {
        self.outcome = Some(outcome);
    }

    /// Whether nothing was decided yet.
    pub(super) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether it was decided that it is done.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// Why it is not done, where that was decided.
    pub(super) fn take_error(&mut self) -> Option<BackendError> {
        match self.outcome.take() {
            Some(Err(error)) => Some(error),
            other => {
                self.outcome = other;
                None
            }
        }
    }

    /// What was decided, if it is not a failure.
    pub(super) fn decided(&mut self) -> Option<&mut T> {
        self.outcome.as_mut()?.as_mut().ok()
    }

    /// Forgets what was decided, since it was taken back.
    pub(super) fn reset(&mut self) {
        self.outcome = None;
    }

    /// Whether nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Answers as decided.
    pub(super) fn answer(self) {
        let outcome = self.outcome.unwrap_or_else(|| Err(closed()));
        // Whoever asked may have gone away.
        let _ = self.answer.send(outcome);
    }

    pub(super) fn fail(mut self, error: BackendError) {
        self.outcome = Some(Err(error));
        self.answer();
    }
}
