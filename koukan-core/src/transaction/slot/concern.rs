//! Who learns of the answer to a command besides the one who waits for it.

use std::{mem, sync::Arc};

use crate::reply::Reply;

use super::{Place, Slot};

/// Identifies a lent slot, with two numbers that the lender chooses.
pub(crate) type Loan = [usize; 2];

/// Lends slots, and decides what happens to their answers: a stage that passes a command on may have to
/// ask another destination again.
pub(crate) trait Lender: Send + Sync {
    /// The slot comes back with its answer, or without one if it was dropped.
    fn give_back(&self, loan: Loan, slot: Slot, reply: Option<Reply>);
}

/// Observes the answer to a slot that somebody else holds, and can make the slot come back.
pub(crate) struct Watch(pub(super) Place);

/// Who is concerned with a slot.
pub(super) enum Concern {
    Nobody,
    /// An observer of the slot, with the answer once it is given.
    Watch(Option<Reply>),
    /// The lender of the slot, who decides what happens to the answer; and who is concerned with the
    /// slot after that.
    Lender(Arc<dyn Lender>, Loan, Option<Box<Concern>>),
}

impl Concern {
    /// Makes the slot come back to `lender`.
    pub(super) fn lend(&mut self, lender: Arc<dyn Lender>, loan: Loan) {
        let before = match mem::replace(self, Self::Nobody) {
            Self::Nobody => None,
            other => Some(Box::new(other)),
        };
        *self = Self::Lender(lender, loan, before);
    }

    /// Makes the slot come back, if it was lent.
    #[inline]
    pub(super) fn take_lender(&mut self) -> Option<(Arc<dyn Lender>, Loan)> {
        match self {
            Self::Lender(..) => self.end_loan(),
            Self::Nobody | Self::Watch(_) => None,
        }
    }

    fn end_loan(&mut self) -> Option<(Arc<dyn Lender>, Loan)> {
        match mem::replace(self, Self::Nobody) {
            Self::Lender(lender, loan, before) => {
                *self = before.map_or(Self::Nobody, |before| *before);
                Some((lender, loan))
            }
            other => {
                *self = other;
                None
            }
        }
    }

    /// Observes the slot from now on, unless somebody is already concerned with it.
    pub(super) fn watch(&mut self) -> bool {
        let is_free = matches!(self, Self::Nobody);
        if is_free {
            *self = Self::Watch(None);
        }
        is_free
    }

    /// Notes the answer for the observer.
    pub(super) fn note(&mut self, reply: &Reply) {
        if let Self::Watch(answer) = self {
            *answer = Some(reply.clone());
        }
    }

    /// The answer that was noted for the observer.
    fn watched(&self) -> Option<&Reply> {
        match self {
            Self::Watch(answer) => answer.as_ref(),
            Self::Lender(_, _, before) => before.as_ref()?.watched(),
            Self::Nobody => None,
        }
    }

    /// Replaces the observer with a lender, if there is no answer yet.
    fn lend_watched(&mut self, lender: &Arc<dyn Lender>, loan: Loan) {
        match self {
            Self::Watch(None) => *self = Self::Lender(Arc::clone(lender), loan, None),
            Self::Lender(_, _, Some(before)) => before.lend_watched(lender, loan),
            _ => {}
        }
    }
}

impl Watch {
    /// What the slot was answered, if it was.
    pub(crate) fn answer(&self) -> Option<Reply> {
        self.0.lock().concern.watched().cloned()
    }

    /// Whether it was answered, and with a positive reply.
    pub(crate) fn is_positive(&self) -> Option<bool> {
        self.0.lock().concern.watched().map(Reply::is_positive)
    }

    /// Makes the slot come back as if it had been lent. Returns the answer if there is already one.
    pub(crate) fn lend(self, lender: &Arc<dyn Lender>, loan: Loan) -> Option<Reply> {
        let concern = &mut self.0.lock().concern;
        concern.lend_watched(lender, loan);
        concern.watched().cloned()
    }
}
