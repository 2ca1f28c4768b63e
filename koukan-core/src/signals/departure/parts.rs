//! Attempts whose message is given to parts, each of which is attempted by itself.
//!
//! ```text
//! attempt ── its departure: the whole
//!    └─ Exploder ─┬─ leg ── a departure without orders
//!                 │         └─ StorageWriter ── attempt ── its departure ── endpoint
//!                 └─ leg …
//! ```
//!
//! The orders of the whole apply to each part as well. The message of the whole has left once that of a part has, or
//! once parts are taken into custody.
//!
//! | the whole must end, and | it | parts |
//! |---|---|---|
//! | no part has left | is given up | end with it, and leave nothing |
//! | a part has left | goes on until its parts have ended | those that have not left end; the others wait for their replies |
//! | parts are taken into custody with its end | ends as any attempt | end with it, until its end is written |
//! | parts were taken into custody | has let go of its parts | are transactions of their own |
//!
//! A part that ends without having delivered its message has not left after all.

use std::{
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use super::{Departure, Gone, Holding, Leaving, Orders, Stand, State};

/// The answer to [`Departure::may_keep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// From now on the message counts as sent.
    Now,
    /// The transaction was cancelled, after a part had left: the others get nothing.
    Cancelled,
    /// The attempt was given up, and its call is about to be dropped.
    Never,
}

impl Departure {
    /// The same, as a part of another one.
    #[must_use]
    pub(crate) fn with_whole(mut self, whole: Option<Arc<Self>>) -> Self {
        self.whole = whole;
        self
    }

    /// For a part of this that has no orders of its own.
    pub(crate) fn part(self: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self::default().with_whole(Some(Arc::clone(self))))
    }

    /// As [`Departure::hold`], for a stage that gives the message to parts.
    pub(crate) fn divide(self: &Arc<Self>) -> Holding {
        self.lock().is_divided = true;
        self.hold()
    }

    /// As [`Departure::divide`], for a stage that writes the message, and has it attempted.
    pub(crate) fn hold_written(self: &Arc<Self>) -> Holding {
        self.lock().is_written = true;
        self.divide()
    }

    /// Whether the message was given to parts.
    pub(crate) fn is_divided(&self) -> bool {
        self.lock().is_divided
    }

    /// Notes the result of a part, or of an attempt with parts. If the message was not delivered, it has not left.
    pub(crate) fn conclude(&self, is_delivered: bool) {
        if self.whole.is_none() && !self.is_divided() {
            // Nobody asks any more.
            return;
        }
        self.take_back(|state| {
            state.is_over = true;
            state.read = Gone::No;
            state.told = match is_delivered {
                true => Gone::Whole,
                false => Gone::No,
            };
        });
    }

    /// Asks whether parts may be taken into custody. To be called right before that, and followed by
    /// [`Departure::let_go`] once they are.
    pub(crate) fn may_keep(&self) -> Keeping {
        if self.heed() {
            return Keeping::Never;
        }
        if self.is_cancelled() {
            return Keeping::Cancelled;
        }
        let goes = self.ask_sharers_of_whole()
            && self.ask_sharers()
            && self.leave(Gone::Taken) != Leaving::Never;
        match goes {
            true => Keeping::Now,
            false => Keeping::Never,
        }
    }

    /// The parts that go on are transactions of their own.
    pub(crate) fn let_go(&self) {
        self.lock().has_let_go = true;
    }

    /// Whether the whole must end, so that a part must that has gone so far.
    pub(super) fn must_end_with_whole(&self, gone: Gone) -> bool {
        let whole = self.whole_held();
        whole.is_some_and(|whole| whole.heed() || whole.is_given_up() || whole.must_end(gone))
    }

    /// As [`Departure::must_end_with_whole`], without ending the whole. The task is woken when there may be another
    /// answer.
    pub(super) fn poll_end_of_whole(&self, cx: &Context<'_>, gone: Gone) -> bool {
        let polls = |orders: &dyn Orders| orders.poll_must_end(cx, gone);
        self.whole_held().is_some_and(|whole| {
            whole.is_given_up()
                || whole.is_ordered_to_end(polls)
                || whole.poll_end_of_whole(cx, gone)
        })
    }

    /// Asks those who share the message of the whole. To be called without a lock held, before this leaves.
    pub(crate) fn ask_sharers_of_whole(&self) -> bool {
        let Some(whole) = self.whole_held() else {
            return true;
        };
        let goes = whole.ask_sharers() && whole.ask_sharers_of_whole();
        if !goes {
            self.give_up();
        }
        goes
    }

    fn ask_sharers(&self) -> bool {
        let sharers = self.lock().sharers.clone();
        sharers.is_none_or(|(sharers, run)| {
            let sharers = sharers.upgrade();
            sharers.is_some_and(|all| all.may_go(run))
        })
    }

    /// Counts this among the parts of the whole that have left, or no longer, as it stands by now; `false` where the
    /// whole was given up before. Whoever is `waiting` is to be woken without a lock.
    ///
    /// Locks are taken from the part to the whole only.
    pub(super) fn count(&self, state: &mut State, waiting: &mut Vec<Waker>) -> bool {
        let Some(whole) = &self.whole else {
            return true;
        };
        let is_gone = state.gone().is_out();
        match (is_gone, state.is_counted) {
            (true, false) => state.is_counted = whole.part_leaves(),
            (false, true) => {
                state.is_counted = false;
                whole.part_stays(waiting);
            }
            _ => {}
        }
        state.is_counted == is_gone
    }

    /// A part leaves; `false` where this was given up.
    fn part_leaves(&self) -> bool {
        let mut state = self.lock();
        if state.is_given_up && !state.has_let_go {
            return false;
        }
        state.parts_gone += 1;
        if self.count(&mut state, &mut Vec::new()) || state.has_let_go {
            return true;
        }
        state.parts_gone -= 1;
        state.is_given_up = true;
        false
    }

    /// A part has not left after all.
    fn part_stays(&self, waiting: &mut Vec<Waker>) {
        let mut state = self.lock();
        state.parts_gone -= 1;
        self.count(&mut state, waiting);
        state.take_waiting(waiting);
    }

    /// Ready when a part must end that is no attempt, and is not written for one: nobody else ends it.
    pub(crate) fn poll_given_up(&self, cx: &Context<'_>) -> Poll<()> {
        if self.lock().is_written {
            return Poll::Pending;
        }
        loop {
            match self.stand(self.gone(), cx) {
                Stand::Same => return Poll::Pending,
                Stand::GivenUp => return Poll::Ready(()),
                Stand::Other => {}
            }
        }
    }

    /// What this is a part of, unless that has let go of it.
    fn whole_held(&self) -> Option<&Arc<Self>> {
        let whole = self.whole.as_ref()?;
        (!whole.lock().has_let_go).then_some(whole)
    }

    fn is_given_up(&self) -> bool {
        self.lock().is_given_up
    }

    fn is_cancelled(&self) -> bool {
        let orders = self.orders.as_ref().and_then(Weak::upgrade);
        orders.is_some_and(|orders| orders.is_cancelled())
            || self.whole_held().is_some_and(|whole| whole.is_cancelled())
    }
}
