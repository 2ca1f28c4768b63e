//! Where one command's reply goes: [`Slot`] on the answering side, [`Pending`] on the asking side.

mod concern;
mod place;

pub(crate) use self::concern::{Lender, Loan, Watch};
pub(super) use self::place::{Home, Place};

use std::{
    fmt,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use crate::{
    reply::Reply,
    sync::{Mutex, MutexGuard, PoisonError},
    waking::keep,
};

use self::concern::Concern;

/// How long a command whose slot was dropped waits for the call's final reply before it is answered
/// with [`Reply::local_error`].
///
/// Long enough for a call that is just returning, and short enough for a client that sends one
/// command at a time and would otherwise wait forever.
pub const GRACE: Duration = Duration::from_millis(100);

/// The right to answer one command, once.
///
/// If a slot is dropped unanswered, the call's final reply becomes the answer, or, if that does not
/// come within [`GRACE`], [`Reply::local_error`].
#[must_use = "a dropped slot is answered with the final reply or 451"]
pub struct Slot {
    /// Until it is answered.
    place: Option<Place>,
    position: usize,
}

/// The pending reply to one command.
///
/// A future that ends when the command is answered. It makes no progress by itself: the call
/// advances only while a method of its [`Driver`](super::Driver) is polled, so await it with
/// [`Driver::wait`](super::Driver::wait) or beside [`Driver::progress`](super::Driver::progress).
///
/// # Cancel safety
///
/// Dropping it only loses the reply.
#[must_use = "a reply nobody waits for is lost"]
pub struct Pending {
    place: Place,
    grace: Option<Pin<Box<Sleep>>>,
}

/// The state that slot, pending reply and driver share.
pub(super) struct Shared(Mutex<State>);

struct State {
    phase: Phase,
    hooks: Vec<Hook>,
    waker: Option<Waker>,
    concern: Concern,
}

type Hook = Box<dyn FnOnce(Reply) -> Reply + Send>;

enum Phase {
    Open,
    Dropped,
    Answering,
    Answered(Reply),
    Taken,
}

/// The slot was dropped unanswered.
struct Dropped;

/// A command in an allocation of its own; `position` is that of a recipient.
pub(super) fn slot(position: usize) -> (Slot, Pending) {
    slot_at(Place::of_one(Shared::default()), position)
}

/// As [`slot`], for the command at that place, which has not been used yet.
pub(super) fn slot_at(place: Place, position: usize) -> (Slot, Pending) {
    let pending = Pending {
        place: place.clone(),
        grace: None,
    };
    (Slot::of(place, position), pending)
}

// === impl Slot ===

impl Slot {
    fn of(place: Place, position: usize) -> Self {
        let place = Some(place);
        Self { place, position }
    }

    /// Answers the command.
    ///
    /// An intermediate (3yz) reply is not an answer: it counts as [`Reply::local_error`].
    pub fn answer(mut self, reply: Reply) {
        debug_assert!(!reply.code().is_intermediate(), "answered with {reply}");
        let reply = if reply.code().is_intermediate() {
            Reply::local_error()
        } else {
            reply
        };
        let Some(place) = self.place.take() else {
            return;
        };
        let mut state = place.lock();
        if let Some((lender, loan)) = state.concern.take_lender() {
            drop(state);
            lender.give_back(loan, Self::of(place, self.position), Some(reply));
            return;
        }
        state.concern.note(&reply);
        if state.is_open() && state.hooks.is_empty() {
            let waker = state.answer(reply);
            drop(state);
            wake(waker);
            return;
        }
        let hooks = state.begin_answer();
        drop(state);
        place.end_answer(hooks, || reply);
    }

    /// A slot for whose answer only its lender waits.
    pub(crate) fn of_nobody() -> Self {
        slot(0).0
    }

    /// Lends the slot for a recipient at that position: it comes back.
    pub(crate) fn lent(mut self, lender: Arc<dyn Lender>, loan: Loan, position: usize) -> Self {
        if let Some(place) = &self.place {
            place.lock().concern.lend(lender, loan);
        }
        self.position = position;
        self
    }

    /// Observes the answer to the slot; `None` if somebody else does, or has lent it.
    pub(crate) fn watch(&self) -> Option<Watch> {
        let place = self.place.as_ref()?;
        let mut state = place.lock();
        state.concern.watch().then(|| Watch(place.clone()))
    }

    /// Lets `f` see and change the reply on its way downstream, whether it comes from the slot's
    /// holder, the final reply, or the end of the grace period.
    ///
    /// The closure that was added last runs first.
    pub fn map_reply(self, f: impl FnOnce(Reply) -> Reply + Send + 'static) -> Self {
        if let Some(place) = &self.place {
            place.lock().hooks.push(Box::new(f));
        }
        self
    }

    /// The position of a RCPT: see [`Command::position`](super::Command::position). Meaningless for
    /// MAIL.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let waker = {
            let mut state = place.lock();
            if let Some((lender, loan)) = state.concern.take_lender() {
                drop(state);
                lender.give_back(loan, Self::of(place, self.position), None);
                return;
            }
            if !matches!(state.phase, Phase::Open) {
                return;
            }
            state.phase = Phase::Dropped;
            state.waker.take()
        };
        wake(waker);
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

// === impl Pending ===

impl Pending {
    /// The reply, if it is there. If it is not, the task is not registered for it until this is
    /// polled. So polling this after the call avoids a wake by what the call has just answered.
    ///
    /// # Panics
    ///
    /// If the reply was taken before.
    pub fn look(&mut self) -> Option<Reply> {
        let (waker, reply) = {
            let mut state = self.place.lock();
            (state.waker.take(), state.take())
        };
        drop(waker);
        reply
    }

    /// As `look`, without taking the reply.
    pub(crate) fn unregister(&mut self) {
        let waker = self.place.lock().waker.take();
        // After the lock is released.
        drop(waker);
    }

    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }
}

impl Future for Pending {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        loop {
            if let Ok(poll) = self.place.poll_reply(cx) {
                return poll;
            }
            let grace = self.grace.get_or_insert_with(|| Box::pin(sleep(GRACE)));
            ready!(grace.as_mut().poll(cx));
            self.place.answer(Reply::local_error());
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

// === impl Shared ===

impl Default for Shared {
    /// A command that is open.
    fn default() -> Self {
        Self(Mutex::new(State {
            phase: Phase::Open,
            hooks: Vec::new(),
            waker: None,
            concern: Concern::Nobody,
        }))
    }
}

impl State {
    /// Whether nobody has answered or is about to.
    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Dropped)
    }

    /// Nobody else can answer from now on. Returns the hooks for the reply, or `None` if there is one
    /// already.
    fn begin_answer(&mut self) -> Option<Vec<Hook>> {
        if !self.is_open() {
            return None;
        }
        self.phase = Phase::Answering;
        Some(mem::take(&mut self.hooks))
    }

    /// Notes the reply. Returns the waker of the waiting task, to be woken after the lock is
    /// released.
    fn answer(&mut self, reply: Reply) -> Option<Waker> {
        self.phase = Phase::Answered(reply);
        self.waker.take()
    }

    fn take(&mut self) -> Option<Reply> {
        match self.phase {
            Phase::Open | Phase::Dropped | Phase::Answering => return None,
            Phase::Answered(_) | Phase::Taken => {}
        }
        match mem::replace(&mut self.phase, Phase::Taken) {
            Phase::Answered(reply) => Some(reply),
            _ => panic!("a pending reply was polled after it was ready"),
        }
    }
}

impl Shared {
    /// Answers unless that was done before; the first answer stands.
    pub(super) fn answer(&self, reply: Reply) {
        self.answer_with(|| reply);
    }

    /// As [`Shared::answer`]; the reply is only made if it is needed.
    pub(super) fn answer_with(&self, reply: impl FnOnce() -> Reply) {
        let hooks = self.lock().begin_answer();
        self.end_answer(hooks, reply);
    }

    fn end_answer(&self, hooks: Option<Vec<Hook>>, reply: impl FnOnce() -> Reply) {
        let Some(hooks) = hooks else {
            return;
        };
        let reply = match hooks.is_empty() {
            true => reply(),
            false => run(hooks, reply()),
        };
        let waker = self.lock().answer(reply);
        wake(waker);
    }

    /// The reply; for a dropped slot without one, the information that its grace period runs.
    fn poll_reply(&self, cx: &Context<'_>) -> Result<Poll<Reply>, Dropped> {
        let mut state = self.lock();
        if let Some(reply) = state.take() {
            return Ok(Poll::Ready(reply));
        }
        let before = keep(&mut state.waker, cx.waker());
        let is_dropped = matches!(state.phase, Phase::Dropped);
        drop(state);
        drop(before);
        match is_dropped {
            true => Err(Dropped),
            false => Ok(Poll::Pending),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the hooks, the last first. A panic in one affects only its command.
fn run(hooks: Vec<Hook>, reply: Reply) -> Reply {
    let run = || {
        let hooks = hooks.into_iter().rev();
        hooks.fold(reply, |reply, hook| hook(reply))
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        tracing::error!("a change to a reply panicked");
        Reply::local_error()
    })
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests;
