//! What can be asked of the writer.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::storage::{
    BackendError, Recovered, Refreshed, Removed,
    record::{
        Change, Companions, Judged, SchedulingKey, SessionId, Standing, SuppressionChange,
        SuspensionChange, Work,
    },
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::row::{LeaseRow, SettlementRow, TransactionRow};

use crate::closed::closed;

use super::{lapse::Claimed, presence::Publish, together::Together};

/// An operation, and its share of the memory for those that wait.
pub(crate) struct Queued {
    pub(crate) operation: Operation,
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

pub(crate) enum Operation {
    Append(Pending<Append, ()>),
    Finish(Pending<Finish, ()>),
    Insert(Pending<Box<TransactionRow>, ()>),
    Complete(Pending<Box<TransactionRow>, ()>),
    Together(Pending<Together, ()>),
    Summarise(Pending<Vec<TransactionRow>, ()>),
    Settle(Pending<Box<SettlementRow>, ()>),
    Release(Pending<LeaseRow, ()>),
    OpenSession(Pending<OpenSession, Recovered>),
    Refresh(Pending<OpenSession, Refreshed>),
    EndSession(Pending<SessionId, ()>),
    Publish(Pending<Publish, ()>),
    RequestCancel(Pending<String, ()>),
    Take(Pending<Take, Claimed>),
    Claim(Pending<Claim, Claimed>),
    Collect(Pending<Collect, Removed>),
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
pub(crate) struct Append {
    pub(crate) blob: String,
    pub(crate) offset: i64,
    pub(crate) octets: Bytes,
    pub(crate) now: i64,
}

/// The end of a blob.
pub(crate) struct Finish {
    pub(crate) blob: String,
    pub(crate) len: i64,
}

/// How far a reader of events has come, or who it is.
pub(crate) enum KeepCursor {
    /// Whoever it is.
    Of { name: Box<str>, number: i64 },
    /// If the session has the reader.
    By {
        name: Box<str>,
        number: i64,
        reader: (Box<str>, SessionId),
    },
    /// The session is to have the reader.
    Hold(Box<str>, SessionId),
}

impl KeepCursor {
    /// The reader that is held, or is to be.
    pub(crate) fn reader(&self) -> Option<&str> {
        match self {
            Self::Of { .. } => None,
            Self::By { reader, .. } => Some(&reader.0),
            Self::Hold(reader, _) => Some(reader),
        }
    }
}

/// The begin of a session, or that it goes on.
pub(crate) struct OpenSession {
    pub(crate) session: SessionId,
    pub(crate) now: Timestamp,
}

/// A lease on one transaction.
pub(crate) struct Take {
    pub(crate) id: String,
    pub(crate) session: SessionId,
    pub(crate) work: Option<Work>,
}

/// Leases on what is due.
pub(crate) struct Claim {
    pub(crate) session: SessionId,
    pub(crate) now: Timestamp,
    pub(crate) of: Claims,
}

/// What is to be taken under lease, of that which is due.
pub(crate) enum Claims {
    /// What is due first.
    Due {
        standing: Standing,
        limit: usize,
        except: Vec<String>,
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
pub(crate) struct Collect {
    pub(crate) now: i64,
    pub(crate) final_before: i64,
    pub(crate) orphans: Vec<String>,
    /// Older events are removed.
    pub(crate) events_before: i64,
    /// How many events are kept, at most.
    pub(crate) events_kept: i64,
}

/// A request, and who waits for the answer.
pub(crate) struct Pending<Q, T> {
    pub(crate) request: Q,
    outcome: Option<Result<T, BackendError>>,
    answer: oneshot::Sender<Result<T, BackendError>>,
}

impl<Q, T> Pending<Q, T> {
    pub(crate) fn new(request: Q, answer: oneshot::Sender<Result<T, BackendError>>) -> Self {
        Self {
            request,
            outcome: None,
            answer,
        }
    }

    /// One of several requests whose answer is one.
    pub(crate) fn unheard(request: Q) -> Self {
        let (answer, _) = oneshot::channel();
        Self::new(request, answer)
    }

    /// Notes what the answer will be once the commit is done.
    pub(crate) fn decide(&mut self, outcome: Result<T, BackendError>) {
        self.outcome = Some(outcome);
    }

    /// Whether nothing was decided yet.
    pub(crate) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether it was decided that it is done.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// Why it is not done, where that was decided.
    pub(crate) fn take_error(&mut self) -> Option<BackendError> {
        match self.outcome.take() {
            Some(Err(error)) => Some(error),
            other => {
                self.outcome = other;
                None
            }
        }
    }

    /// What was decided, if it is not a failure.
    pub(crate) fn decided(&mut self) -> Option<&mut T> {
        self.outcome.as_mut()?.as_mut().ok()
    }

    /// Forgets what was decided, since it was taken back.
    pub(crate) fn reset(&mut self) {
        self.outcome = None;
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Answers as decided.
    pub(crate) fn answer(self) {
        let outcome = self.outcome.unwrap_or_else(|| Err(closed()));
        // Whoever asked may have gone away.
        let _ = self.answer.send(outcome);
    }

    pub(crate) fn fail(mut self, error: BackendError) {
        self.outcome = Some(Err(error));
        self.answer();
    }
}
