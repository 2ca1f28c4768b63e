//! How a session ends where the server stops.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::task::coop::has_budget_remaining;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// What a session is told of the server's end.
///
/// | the server | a session |
/// |---|---|
/// | has begun to stop | ends with 421 between transactions; amid one, as soon as the client has been silent for a moment |
/// | has waited long enough | ends with 421, whatever is under way |
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Stop {
    begun: CancellationToken,
    over: CancellationToken,
}

impl Stop {
    /// For a session, which waits without holding up others that wait.
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

    /// To wait again and again until the server has begun to stop.
    pub(super) fn watch_begun(&self) -> Watch {
        Watch::new(&self.begun)
    }

    /// To wait again and again until the server has waited long enough.
    pub(super) fn watch_over(&self) -> Watch {
        Watch::new(&self.over)
    }
}

/// Waits for one thing that nearly never happens, as part of a task that is woken for many others:
/// only the first poll costs more than a look.
#[derive(Debug)]
pub(super) struct Watch {
    token: CancellationToken,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Whom it wakes.
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

    /// Ready once it has happened, and from then on.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            return Poll::Ready(());
        }
        let waker = self.waker.as_ref();
        if !waker.is_some_and(|waker| waker.will_wake(cx.waker())) {
            // Where the task has used up what tokio lets it do in a row nobody may hear of it.
            let is_heard = has_budget_remaining();
            if self.cancelled.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            self.waker = is_heard.then(|| cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits until it has happened.
    pub(super) async fn happened(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}
