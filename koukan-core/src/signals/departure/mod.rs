//! When a message leaves.

mod kept;
mod orders;
mod parts;
mod signal;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Weak},
    task::{Context, Waker},
};

use crate::{
    sync::{Mutex, MutexGuard, PoisonError},
    waking::keep,
};

use self::kept::Kept;

pub(crate) use self::{
    orders::{Orders, Sharers},
    parts::Keeping,
};

/// Tells whether the message of an attempt has left; see [`Signals::departure`](super::Signals::departure).
///
/// Whoever makes an attempt may be told to end it: by an operator, by a client, or because the agent stops or has
/// lost its lease. If the destination may have the message by then, only its reply says what has become of it, and
/// is waited for. Otherwise the attempt ends at once.
///
/// An endpoint that says nothing is taken to send what it reads: the message has left once its body was read
/// to the end, or was taken by reference. An endpoint that reads ahead should say more: it calls
/// [`Departure::hold`] when it begins, and asks [`Departure::may_go`] before it sends the last octets.
///
/// An Exploder gives the message to parts of the attempt, each of which has a departure of its own. The
/// message of the attempt has left once that of a part has.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use koukan_core::{reply::Reply, signals::Departure, transaction::Transaction};
///
/// # async fn connect() {}
/// # async fn send(_: Bytes) -> Reply { Reply::message_accepted() }
/// async fn endpoint(transaction: Transaction) -> Result<Reply, tower::BoxError> {
///     let departure = transaction.signals.departure().cloned();
///     let _holding = departure.as_ref().map(Departure::hold);
///     let message = transaction.body.collect(1 << 20).await?;
///     connect().await;
///     if departure.is_some_and(|departure| !departure.may_go()) {
///         // Whoever has given the attempt up drops this call.
///         std::future::pending::<()>().await;
///     }
///     Ok(send(message).await)
/// }
/// ```
#[derive(Default)]
pub struct Departure {
    /// What the attempt may have been told, and not have noticed yet. Signals outlive attempts, and must keep
    /// nothing of theirs.
    orders: Option<Weak<dyn Orders>>,
    /// What this is a part of: that has left once this has.
    whole: Option<Arc<Self>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was found out from the body.
    read: Gone,
    /// What an endpoint has said.
    told: Gone,
    /// How many endpoints say when the message leaves.
    holding: u32,
    /// How many groups ask before it leaves.
    grouped: u32,
    is_given_up: bool,
    /// Whether its result is known, so that nothing is found out from the body any more.
    is_over: bool,
    /// Whether it has, or may have, parts.
    is_divided: bool,
    /// Whether its only part is an attempt, which ends by itself.
    is_written: bool,
    /// How many parts have left.
    parts_gone: u32,
    /// Whether it is one of those for the whole.
    is_counted: bool,
    /// Whether its parts are on their own by now.
    has_let_go: bool,
    /// The group that is asked instead, with the number of its run, if the message leaves for others as well.
    sharers: Option<(Weak<dyn Sharers>, usize)>,
    /// Who is woken when it turns out that the message has not left.
    waiting: Option<Waker>,
    /// What is committed with the end of the attempt.
    kept: Vec<Kept>,
    /// Whether the attempt has ended, so that nothing is kept any more.
    is_closed: bool,
}

/// An endpoint says when the message leaves, until this is dropped; see [`Departure::hold`].
#[derive(Debug)]
#[must_use = "once this is dropped, a message whose body was read counts as sent"]
pub struct Holding {
    departure: Arc<Departure>,
    is_of_group: bool,
}

/// What has become of a message within an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Gone {
    /// It has not left.
    #[default]
    No,
    /// It was given to parts, none of which has left.
    Divided,
    /// Others have it: it was taken by reference, or has left by a part.
    Taken,
    /// All of it left: upstream may have it.
    Whole,
}

/// The answer to [`Departure::leave`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// From now on the message counts as sent.
    Now,
    /// It did before.
    Before,
    /// It is not sent: the attempt was given up.
    Never,
}

/// The answer to [`Departure::stand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Nothing has changed.
    Same,
    /// It is otherwise by now.
    Other,
    /// The attempt was given up, since it was found that it must end.
    GivenUp,
}

impl Departure {
    /// For an attempt with these orders.
    pub(crate) fn under(orders: Weak<dyn Orders>) -> Self {
        Self {
            orders: Some(orders),
            ..Self::default()
        }
    }

    /// For a message that leaves for several attempts, all of which are asked.
    pub(crate) fn shared_by(sharers: Weak<dyn Sharers>, run: usize) -> Self {
        let departure = Self::default();
        departure.join(sharers, run);
        departure
    }

    /// From now on others are asked as well: the message leaves for them, too.
    pub(crate) fn join(&self, sharers: Weak<dyn Sharers>, run: usize) {
        self.lock().sharers = Some((sharers, run));
    }

    /// Until the result is dropped, [`Departure::may_go`] alone decides whether the message has left, however much
    /// of its body is read.
    pub fn hold(self: &Arc<Self>) -> Holding {
        self.take_back(|state| state.holding += 1);
        Holding {
            departure: Arc::clone(self),
            is_of_group: false,
        }
    }

    /// As [`Departure::hold`], for a group that sends one message for several attempts.
    pub(crate) fn hold_for_group(self: &Arc<Self>) -> Holding {
        self.take_back(|state| state.grouped += 1);
        Holding {
            departure: Arc::clone(self),
            is_of_group: true,
        }
    }

    /// Asks whether the message may leave. To be called right before the octets are sent that make it whole.
    ///
    /// With `true`, it counts as sent from now on, and the attempt waits for the reply. With `false`, the attempt was
    /// given up: nothing more may be sent, and the call is about to be dropped.
    #[must_use]
    pub fn may_go(&self) -> bool {
        let sharers = self.lock().sharers.clone();
        match sharers {
            Some((sharers, run)) => sharers.upgrade().is_some_and(|all| all.may_go(run)),
            None => {
                self.heed();
                self.ask_sharers_of_whole() && self.leave(Gone::Whole) != Leaving::Never
            }
        }
    }

    /// Whether an endpoint says when the message leaves.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().holding > 0
    }

    /// Notes that the message leaves, for this attempt alone.
    pub(crate) fn leave(&self, gone: Gone) -> Leaving {
        let mut state = self.lock();
        if state.is_given_up {
            return Leaving::Never;
        }
        let before = state.told;
        state.told = before.max(gone);
        if !self.count(&mut state, &mut Vec::new()) {
            state.told = before;
            state.is_given_up = true;
            return Leaving::Never;
        }
        match before {
            Gone::No => Leaving::Now,
            _ => Leaving::Before,
        }
    }

    /// Takes [`Leaving::Now`] back: the message does not leave yet. To be called without a lock held.
    pub(crate) fn stay(&self) {
        self.take_back(|state| state.told = Gone::No);
    }

    /// Notes what was found out from the body.
    pub(crate) fn note(&self, gone: Gone) {
        let mut state = self.lock();
        if !state.is_given_up && !state.is_over {
            state.read = state.read.max(gone);
            self.count(&mut state, &mut Vec::new());
        }
    }

    pub(crate) fn gone(&self) -> Gone {
        self.lock().gone()
    }

    /// The attempt ends without the message; `false` where that has left, by another thread.
    pub(crate) fn give_up(&self) -> bool {
        self.end_at(Gone::Divided)
    }

    /// The attempt ends, unless more than this has become of its message.
    fn end_at(&self, gone: Gone) -> bool {
        let mut state = self.lock();
        state.is_given_up |= state.gone() <= gone;
        state.is_given_up
    }

    /// Whether the attempt stands as it is `known` to. The task is woken when it turns out that a message that was
    /// sent has not been.
    pub(crate) fn stand(&self, known: Gone, cx: &Context<'_>) -> Stand {
        if self.poll_end_of_whole(cx, known) && self.end_at(known) {
            return Stand::GivenUp;
        }
        let mut state = self.lock();
        if state.is_given_up {
            return Stand::GivenUp;
        }
        if state.gone() != known {
            return Stand::Other;
        }
        if !known.is_out() {
            return Stand::Same;
        }
        let before = keep(&mut state.waiting, cx.waker());
        drop(state);
        drop(before);
        Stand::Same
    }

    /// Makes a change after which the message may not have left any more.
    fn take_back(&self, change: impl FnOnce(&mut State)) {
        let mut waiting = Vec::new();
        {
            let mut state = self.lock();
            change(&mut state);
            self.count(&mut state, &mut waiting);
            state.take_waiting(&mut waiting);
        }
        waiting.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Departure")
            .field("gone", &state.gone())
            .field("holding", &state.holding)
            .finish_non_exhaustive()
    }
}

impl Gone {
    /// Whether somebody may have it.
    pub(crate) fn is_out(self) -> bool {
        self > Self::Divided
    }
}

impl State {
    fn gone(&self) -> Gone {
        let own = match self.holding + self.grouped {
            0 => self.told.max(self.read),
            _ => self.told,
        };
        match self.parts_gone {
            0 if self.is_divided => own.max(Gone::Divided),
            0 => own,
            _ => own.max(Gone::Taken),
        }
    }

    /// Takes out who is to be woken if the message has not left. To be woken without a lock.
    fn take_waiting(&mut self, waiting: &mut Vec<Waker>) {
        if self.waiting.is_some() && !self.gone().is_out() {
            waiting.extend(self.waiting.take());
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let mut state = self.departure.lock();
        match self.is_of_group {
            true => state.grouped -= 1,
            false => state.holding -= 1,
        }
        // What was read counts from now on.
        self.departure.count(&mut state, &mut Vec::new());
    }
}
