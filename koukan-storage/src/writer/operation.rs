//! The requests to the writer.

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

/// An operation, with its share of the memory for waiting operations.
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
    /// Waits for whatever a write waits for, and writes nothing.
    Probe(Pending<(), ()>),
    /// Leases were taken for a caller who has gone.
    Lapse,
    /// Closes after everything before it is done. Nothing is done after it.
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

/// A change of a reader's position, or of the session that has it.
pub(crate) enum KeepCursor {
    /// The position, whoever has the reader.
    Of { name: Box<str>, number: i64 },
    /// The position, if the session has the reader.
    By {
        name: Box<str>,
        number: i64,
        reader: (Box<str>, SessionId),
    },
    /// The session is to have the reader.
    Hold(Box<str>, SessionId),
}

impl KeepCursor {
    /// The reader that the session has or is to have.
    pub(crate) fn reader(&self) -> Option<&str> {
        match self {
            Self::Of { .. } => None,
            Self::By { reader, .. } => Some(&reader.0),
            Self::Hold(reader, _) => Some(reader),
        }
    }
}

/// Begins a session, or refreshes it.
pub(crate) struct OpenSession {
    pub(crate) session: SessionId,
    pub(crate) now: Timestamp,
}

/// Leases one transaction.
pub(crate) struct Take {
    pub(crate) id: String,
    pub(crate) session: SessionId,
    pub(crate) work: Option<Work>,
}

/// Leases due transactions.
pub(crate) struct Claim {
    pub(crate) session: SessionId,
    pub(crate) now: Timestamp,
    pub(crate) of: Claims,
}

/// Which due transactions are leased.
pub(crate) enum Claims {
    /// Any, the earliest first.
    Due {
        standing: Standing,
        limit: usize,
        except: Vec<String>,
    },
    /// Attempts for one destination, the earliest first.
    For {
        destination: SchedulingKey,
        limit: usize,
    },
    /// Those that belong to a transaction that is leased already.
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
    /// How many events are kept at most.
    pub(crate) events_kept: i64,
}

/// A request, and the channel for its answer.
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

    /// A request whose answer is that of another one.
    pub(crate) fn unheard(request: Q) -> Self {
        let (answer, _) = oneshot::channel();
        Self::new(request, answer)
    }

    /// Decides the answer, which is sent after the commit.
    pub(crate) fn decide(&mut self, outcome: Result<T, BackendError>) {
        self.outcome = Some(outcome);
    }

    /// Whether nothing is decided yet.
    pub(crate) fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether success is decided.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.outcome, Some(Ok(_)))
    }

    /// The error, if that is decided.
    pub(crate) fn take_error(&mut self) -> Option<BackendError> {
        match self.outcome.take() {
            Some(Err(error)) => Some(error),
            other => {
                self.outcome = other;
                None
            }
        }
    }

    /// The decided answer, if it is not an error.
    pub(crate) fn decided(&mut self) -> Option<&mut T> {
        self.outcome.as_mut()?.as_mut().ok()
    }

    /// Forgets the decision, since the writes were rolled back.
    pub(crate) fn reset(&mut self) {
        self.outcome = None;
    }

    /// Whether the caller has gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Sends the decided answer.
    pub(crate) fn answer(self) {
        let outcome = self.outcome.unwrap_or_else(|| Err(closed()));
        // The caller may have gone.
        let _ = self.answer.send(outcome);
    }

    pub(crate) fn fail(mut self, error: BackendError) {
        self.outcome = Some(Err(error));
        self.answer();
    }
}
