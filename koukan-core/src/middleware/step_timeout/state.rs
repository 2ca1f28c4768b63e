//! What upstream owes, and until when.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    blob::Blob,
    reply::Reply,
    transaction::{Aborted, Owed, SlotWatch},
};

use super::StepTimeouts;

/// The steps of one transaction; clones share them.
#[derive(Clone)]
pub(super) struct Steps(Arc<Mutex<State>>);

/// Upstream is stuck: there is no point in waiting for the rest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overdue;

struct State {
    timeouts: StepTimeouts,
    owed: Owed<SlotWatch>,
    /// How many recipients there were.
    rcpts: usize,
    /// How many of those that are owed a reply, from the last, upstream has not taken.
    untaken: usize,
    body: BodyStep,
    /// What the timer was last told.
    armed: Option<Instant>,
    waker: Option<Waker>,
}

enum BodyStep {
    /// It is the client's turn, or all is done.
    Idle,
    /// DATA was said; upstream is to ask for octets once it has answered what came before.
    Data,
    /// Upstream is to ask for octets, or to reply, until then.
    Due(Instant),
    /// Upstream has the rest by reference; these may still grow.
    Taken(Vec<Blob>),
}

impl Steps {
    pub(super) fn start(timeouts: StepTimeouts, mail: SlotWatch) -> Self {
        let mut owed = Owed::default();
        owed.add_mail(mail, Some(Instant::now() + timeouts.mail));
        Self(Arc::new(Mutex::new(State {
            timeouts,
            owed,
            rcpts: 0,
            untaken: 0,
            body: BodyStep::Idle,
            armed: None,
            waker: None,
        })))
    }

    /// A recipient arrived.
    pub(super) fn rcpt(&self, slot: SlotWatch) {
        let mut state = self.lock();
        let deadline = Instant::now() + state.timeouts.rcpt;
        let position = state.rcpts;
        state.owed.add_rcpt(position, slot, Some(deadline));
        state.rcpts += 1;
        state.untaken += 1;
    }

    /// Upstream took a recipient.
    pub(super) fn rcpt_taken(&self) {
        self.lock().untaken -= 1;
    }

    /// Upstream takes no more recipients; those that wait were dropped.
    pub(super) fn rcpts_unwanted(&self) {
        self.lock().untaken = 0;
    }

    /// There are no more recipients.
    pub(super) fn data(&self) {
        let mut state = self.lock();
        if let BodyStep::Idle = state.body {
            state.body = BodyStep::Data;
        }
    }

    /// Upstream asked for octets.
    pub(super) fn body_asked(&self) {
        self.lock().body = BodyStep::Idle;
    }

    /// Upstream got octets.
    pub(super) fn body_passed(&self) {
        self.set_body(|timeouts| BodyStep::due_in(timeouts.data_block));
    }

    /// Upstream got the end.
    pub(super) fn body_ended(&self) {
        self.set_body(|timeouts| BodyStep::due_in(timeouts.message));
    }

    /// Upstream has the rest by reference.
    pub(super) fn body_taken(&self, blobs: Vec<Blob>) {
        self.set_body(|_| BodyStep::Taken(blobs));
    }

    fn set_body(&self, step: impl FnOnce(&StepTimeouts) -> BodyStep) {
        let waker = {
            let mut state = self.lock();
            state.body = step(&state.timeouts);
            // The body may be pulled elsewhere, while the call sleeps.
            let is_early = match (&state.body, state.armed) {
                (BodyStep::Due(deadline), Some(armed)) => *deadline < armed,
                _ => true,
            };
            if is_early { state.waker.take() } else { None }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The first of all deadlines; registers for earlier ones.
    pub(super) fn next_deadline(&self, cx: &Context<'_>) -> Option<Instant> {
        let mut state = self.lock();
        let deadline = state.next_deadline(cx);
        state.armed = deadline;
        state.waker = Some(cx.waker().clone());
        deadline
    }

    /// Answers what is overdue.
    pub(super) fn expire(&self) -> Result<(), Overdue> {
        let now = Instant::now();
        let expired = self.lock().take_expired(now)?;
        for slot in expired {
            slot.answer(Reply::elapsed());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_deadline(&mut self, cx: &Context<'_>) -> Option<Instant> {
        self.forget_answered();
        if let BodyStep::Taken(blobs) = &self.body
            && let Poll::Ready(end) = all_ended(blobs, cx)
        {
            self.body = match end {
                Ok(()) => BodyStep::due_in(self.timeouts.message),
                Err(Aborted) => BodyStep::Idle,
            };
        }
        if let BodyStep::Data = self.body
            && !self.owed.is_mail_owed()
            && self.owed.rcpts() == 0
        {
            self.body = BodyStep::due_in(self.timeouts.data);
        }
        let answers = self.owed.deadline().into_iter();
        answers.chain(self.body.deadline()).min()
    }

    fn take_expired(&mut self, now: Instant) -> Result<Vec<SlotWatch>, Overdue> {
        self.forget_answered();
        if self.owed.take_overdue_mail(now).is_some()
            || self.body.deadline().is_some_and(|deadline| deadline <= now)
        {
            return Err(Overdue);
        }
        let mut expired = Vec::new();
        while let Some(slot) = self.owed.take_overdue_rcpt(now) {
            if self.owed.rcpts() < self.untaken {
                return Err(Overdue);
            }
            expired.push(slot);
        }
        Ok(expired)
    }

    fn forget_answered(&mut self) {
        // Whoever is in the queue still has an open slot.
        self.owed.forget(|slot| !slot.is_open());
    }
}

fn all_ended(blobs: &[Blob], cx: &Context<'_>) -> Poll<Result<(), Aborted>> {
    for blob in blobs {
        ready!(blob.poll_ended(cx))?;
    }
    Poll::Ready(Ok(()))
}

impl BodyStep {
    fn due_in(timeout: Duration) -> Self {
        Self::Due(Instant::now() + timeout)
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Due(deadline) => Some(*deadline),
            Self::Idle | Self::Data | Self::Taken(_) => None,
        }
    }
}
