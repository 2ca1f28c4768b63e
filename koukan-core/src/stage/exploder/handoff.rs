//! How a leg gets its message.

use std::{
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::{body::Body, transaction::Aborted};

/// The giving end; dropped without giving, the leg is aborted.
pub(super) struct Giver(Arc<Mutex<State>>);

/// The leg's end.
pub(super) struct Taker(Arc<Mutex<State>>);

enum State {
    Waiting(Option<Waker>),
    Given(Box<Body>),
    Gone,
}

pub(super) fn handoff() -> (Giver, Taker) {
    let state = Arc::new(Mutex::new(State::Waiting(None)));
    (Giver(Arc::clone(&state)), Taker(state))
}

// === impl Giver ===

impl Giver {
    /// Whether the leg still takes it.
    pub(super) fn is_wanted(&self) -> bool {
        matches!(*lock(&self.0), State::Waiting(_))
    }

    /// Gives the message. The leg is woken unless it `is_polled_next` anyway.
    pub(super) fn give(self, body: Body, is_polled_next: bool) {
        let given = State::Given(Box::new(body));
        if let Some(waker) = change(&self.0, given)
            && !is_polled_next
        {
            waker.wake();
        }
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        if let Some(waker) = change(&self.0, State::Gone) {
            waker.wake();
        }
    }
}

// === impl Taker ===

impl Taker {
    /// The message, once it is there.
    pub(super) async fn take(self) -> Result<Body, Aborted> {
        poll_fn(|cx| self.poll_take(cx)).await
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Result<Body, Aborted>> {
        let mut state = lock(&self.0);
        if let State::Waiting(waker) = &mut *state {
            *waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(match mem::replace(&mut *state, State::Gone) {
            State::Given(body) => Ok(*body),
            State::Waiting(_) | State::Gone => Err(Aborted),
        })
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        // A message that nobody took goes with it.
        let state = mem::replace(&mut *lock(&self.0), State::Gone);
        drop(state);
    }
}

/// Changes the state if nothing was given yet; returns who waits for it.
fn change(state: &Mutex<State>, to: State) -> Option<Waker> {
    let mut state = lock(state);
    match &mut *state {
        State::Waiting(waker) => {
            let waker = waker.take();
            *state = to;
            waker
        }
        State::Given(_) | State::Gone => None,
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
