//! The commands of one transaction, as its originator keeps them: [`Commands`].

use std::sync::Arc;

use crate::{few::SOME, reply::Reply};

use super::slot::{Home, Pending, Place, Shared, Slot, slot, slot_at};

/// The place of MAIL in a [`Home`]; the first RCPT is at the next.
pub(super) const MAIL: usize = 0;
const FIRST: usize = 1;

/// MAIL and the recipients that were asked: makes the slots, and answers those still open at the
/// end.
///
/// Slots are made only here.
pub(crate) struct Commands {
    /// Keeps MAIL and the first recipient, which is the only one of most transactions.
    home: Arc<dyn Home>,
    /// How many recipients were asked.
    rcpt_count: usize,
    /// The recipients after the first.
    others: Vec<Place>,
    final_reply: Option<Reply>,
}

/// MAIL and the first RCPT alone.
#[derive(Default)]
struct Both([Shared; 2]);

impl Commands {
    /// For a transaction that keeps nothing else with them.
    pub(crate) fn new() -> Self {
        Self::at(Arc::new(Both::default()))
    }

    pub(super) fn at(home: Arc<dyn Home>) -> Self {
        Self {
            home,
            rcpt_count: 0,
            others: Vec::new(),
            final_reply: None,
        }
    }

    /// The slot of MAIL; may be requested once.
    pub(crate) fn mail(&self) -> (Slot, Pending) {
        slot_at(Place::new(Arc::clone(&self.home), MAIL), 0)
    }

    /// The slot of the next recipient; if there is already a final reply, that has answered it.
    pub(crate) fn rcpt(&mut self) -> (Option<Slot>, Pending) {
        if let Some(reply) = &self.final_reply {
            let (slot, pending) = slot(self.rcpt_count);
            slot.answer(reply.to_unanswered(None));
            return (None, pending);
        }
        let position = self.rcpt_count;
        self.rcpt_count += 1;
        if position == 0 {
            let (slot, pending) = slot_at(Place::new(Arc::clone(&self.home), FIRST), 0);
            return (Some(slot), pending);
        }
        let (slot, pending) = slot(position);
        if self.others.is_empty() {
            self.others.reserve(SOME - 1);
        }
        self.others.push(pending.place());
        (Some(slot), pending)
    }

    /// The transaction has ended with that reply, which answers every open slot.
    pub(crate) fn end(&mut self, reply: Reply) {
        let mail = self.home.command(MAIL);
        mail.answer_with(|| reply.to_unanswered(None));
        if self.rcpt_count > 0 {
            let first = self.home.command(FIRST);
            first.answer_with(|| reply.to_unanswered(Some(0)));
        }
        for (index, other) in self.others.drain(..).enumerate() {
            other.answer_with(|| reply.to_unanswered(Some(index + 1)));
        }
        self.final_reply = Some(reply);
    }

    /// How many recipients were asked.
    pub(super) fn rcpt_count(&self) -> usize {
        self.rcpt_count
    }

    /// The final reply, once there is one.
    pub(crate) fn final_reply(&self) -> Option<&Reply> {
        self.final_reply.as_ref()
    }
}

impl Home for Both {
    fn command(&self, index: usize) -> &Shared {
        let Self(commands) = self;
        &commands[index]
    }
}
