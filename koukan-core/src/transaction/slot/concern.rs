//! Who hears of the answer to a command besides the one who waits for it.

use std::{mem, sync::Arc};

use crate::reply::Reply;

use super::{Place, Slot};

/// Which slot it is that was lent: two numbers of the lender's own.
pub(crate) type Loan = [usize; 2];

/// Lends slots, and decides itself what becomes of the answers: whoever passes a command on may have to
/// ask somebody else again.
pub(crate) trait Lender: Send + Sync {
    /// The slot comes back, with the answer or, dropped, without one.
    fn give_back(&self, loan: Loan, slot: Slot, reply: Option<Reply>);
}

/// Sees what a slot is answered that somebody else holds, and may have it back from there.
pub(crate) struct Watch(pub(super) Place);

/// Who is concerned with a slot.
pub(super) enum Concern {
    Nobody,
    /// Whoever watches the slot; with the answer, once it is given.
    Watch(Option<Reply>),
    /// Whoever has lent the slot, and decides what becomes of the answer; and who is concerned with it
    /// then.
    Lender(Arc<dyn Lender>, Loan, Option<Box<Concern>>),
}

impl Concern {
    /// Has the slot come back to `lender`.
    pub(super) fn lend(&mut self, lender: Arc<dyn Lender>, loan: Loan) {
        let before = match mem::replace(self, Self::Nobody) {
            Self::Nobody => None,
            other => Some(Box::new(other)),
        };
        *self = Self::Lender(lender, loan, before);
    }

    /// The slot comes back, if it was lent.
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

    /// Watches the slot from now on, unless somebody is concerned with it.
    pub(super) fn watch(&mut self) -> bool {
        let is_free = matches!(self, Self::Nobody);
        if is_free {
            *self = Self::Watch(None);
        }
        is_free
    }

    /// Notes the answer for whoever watches.
    pub(super) fn note(&mut self, reply: &Reply) {
        if let Self::Watch(answer) = self {
            *answer = Some(reply.clone());
        }
    }

    /// The answer that was noted for whoever watches.
    fn watched(&self) -> Option<&Reply> {
        match self {
            Self::Watch(answer) => answer.as_ref(),
            Self::Lender(_, _, before) => before.as_ref()?.watched(),
            Self::Nobody => None,
        }
    }

    /// Puts a lender into the place of who watches, if there is no answer so far.
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

    /// Has the slot come back as if it had been lent; returns the answer where there is one already.
    pub(crate) fn lend(self, lender: &Arc<dyn Lender>, loan: Loan) -> Option<Reply> {
        let concern = &mut self.0.lock().concern;
        concern.lend_watched(lender, loan);
        concern.watched().cloned()
    }
}
