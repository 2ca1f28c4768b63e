//! How a session ends when the server stops.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::task::coop::has_budget_remaining;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Tells sessions that the server stops.
///
/// | the server | a session |
/// |---|---|
/// | has begun to stop | ends with 421 between transactions; within one, as soon as the client has been silent for [`ServerTimeouts::stopping`](crate::server::ServerTimeouts::stopping) |
/// | has waited long enough | ends with 421, even within a transaction |
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Stop {
    begun: CancellationToken,
    over: CancellationToken,
}

impl Stop {
    /// A handle for a session, which can wait without contending with other sessions.
    pub(in crate::server) fn of_session(&self) -> Self {
        Self {
            begun: self.begun.child_token(),
            over: self.over.clone(),
        }
    }

    /// The server begins to stop.
    pub(in crate::server) fn begin(&self) {
        self.begun.cancel();
    }

    /// The server has waited long enough.
    pub(in crate::server) fn end(&self) {
        self.over.cancel();
    }

    pub(super) fn is_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits until the server has begun to stop.
    pub(in crate::server) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// A watch that can be polled repeatedly, for the beginning of the stop.
    pub(super) fn watch_begun(&self) -> Watch {
        Watch::new(&self.begun)
    }

    /// A watch that can be polled repeatedly, for the end of the time to stop.
    pub(super) fn watch_over(&self) -> Watch {
        Watch::new(&self.over)
    }
}

/// Waits for an event that hardly ever happens, in a task that is woken for many other reasons:
/// after the first poll, a poll costs hardly more than reading a flag.
#[derive(Debug)]
pub(super) struct Watch {
    token: CancellationToken,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The waker of the last poll.
    waker: Option<Waker>,
}

impl Watch {
    fn new(token: &CancellationToken) -> Self {
        Self {
            token: token.clone(),
            cancelled: Box::pin(token.clone().cancelled_owned()),
            waker: None,
        }
    }

    /// Ready once the event has happened, and from then on.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            return Poll::Ready(());
        }
        let waker = self.waker.as_ref();
        if !waker.is_some_and(|waker| waker.will_wake(cx.waker())) {
            // If the task has used up tokio's cooperative budget, the waker may not have been registered.
            let is_heard = has_budget_remaining();
            if self.cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            self.waker = is_heard.then(|| cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits until the event has happened.
    pub(super) async fn happened(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}
