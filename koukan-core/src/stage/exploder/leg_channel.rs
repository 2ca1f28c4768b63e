//! How a leg gets its message, and how repeated commands for its recipient are answered.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::{
    body::Body,
    reply::Reply,
    transaction::{Aborted, Command, Rcpt, Slot},
    waking::keep,
};

/// The giving end. Dropping it without giving aborts the leg.
pub(super) struct Giver(Arc<Mutex<Shared>>);

/// The leg's end.
pub(super) struct Taker(Arc<Mutex<Shared>>);

struct Shared {
    state: State,
    recipient: Recipient,
}

enum State {
    Waiting(Option<Waker>),
    Given(Body),
    Gone,
}

/// The state of the leg's recipient.
enum Recipient {
    /// Not answered yet; repeated commands wait for the same answer.
    Asked(Vec<Slot>),
    Accepted,
    Refused,
}

pub(super) fn leg_channel() -> (Giver, Taker) {
    let shared = Arc::new(Mutex::new(Shared {
        state: State::Waiting(None),
        recipient: Recipient::Asked(Vec::new()),
    }));
    (Giver(Arc::clone(&shared)), Taker(shared))
}

// === impl Giver ===

impl Giver {
    /// Whether the leg still wants the message.
    pub(super) fn is_wanted(&self) -> bool {
        matches!(lock(&self.0).state, State::Waiting(_))
    }

    /// Gives a repeated command for the recipient the leg's answer. If the recipient was refused,
    /// the command is returned, since it may succeed now.
    pub(super) fn answer_too(&self, rcpt: Command<Rcpt>) -> Option<Command<Rcpt>> {
        match &mut lock(&self.0).recipient {
            Recipient::Asked(slots) => {
                slots.push(rcpt.into_parts().1);
                return None;
            }
            Recipient::Accepted => {}
            Recipient::Refused => return Some(rcpt),
        }
        rcpt.answer(Reply::recipient_ok());
        None
    }

    /// Gives the message.
    pub(super) fn give(self, body: Body) {
        if let Some(waker) = change(&self.0, State::Given(body)) {
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
    /// Answers RCPT, and repeated commands for the same recipient.
    pub(super) fn answer(&self, slot: Slot, reply: Reply) {
        let now = match reply.is_positive() {
            true => Recipient::Accepted,
            false => Recipient::Refused,
        };
        let before = mem::replace(&mut lock(&self.0).recipient, now);
        if let Recipient::Asked(slots) = before {
            slots
                .into_iter()
                .for_each(|slot| slot.answer(reply.clone()));
        }
        slot.answer(reply);
    }

    /// The message, once it is there.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Result<Body, Aborted>> {
        let mut shared = lock(&self.0);
        if let State::Waiting(waker) = &mut shared.state {
            let before = keep(waker, cx.waker());
            drop(shared);
            drop(before);
            return Poll::Pending;
        }
        Poll::Ready(match mem::replace(&mut shared.state, State::Gone) {
            State::Given(body) => Ok(body),
            State::Waiting(_) | State::Gone => Err(Aborted),
        })
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        // A message that nobody took is dropped with it, and so are unanswered commands.
        let left = {
            let mut shared = lock(&self.0);
            (
                mem::replace(&mut shared.state, State::Gone),
                mem::replace(&mut shared.recipient, Recipient::Refused),
            )
        };
        drop(left);
    }
}

/// Changes the state if nothing was given yet. Returns who waits for it.
fn change(shared: &Mutex<Shared>, to: State) -> Option<Waker> {
    let mut shared = lock(shared);
    let state = &mut shared.state;
    match state {
        State::Waiting(waker) => {
            let waker = waker.take();
            *state = to;
            waker
        }
        State::Given(_) | State::Gone => None,
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
