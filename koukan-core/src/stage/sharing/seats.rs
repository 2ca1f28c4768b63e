//! Recipients and their states.

use crate::{
    reply::{FinalReplies, Reply},
    transaction::{Rcpt, Slot},
};

use super::action::Action;

/// A recipient of a member.
pub(super) struct Seat {
    pub(super) member: usize,
    /// Its position among the member's recipients.
    pub(super) position: usize,
    pub(super) rcpt: Rcpt,
    /// The slot to answer; `None` while it is lent, and after that.
    pub(super) slot: Option<Slot>,
    /// The answer to RCPT, if it was answered: whether it was positive.
    pub(super) told: Option<bool>,
    pub(super) stand: Stand,
}

/// The state of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// It must be passed on.
    Waiting,
    /// It was passed on in this run.
    Asked(usize),
    /// It was accepted in this run.
    Accepted(usize),
    /// It was accepted in a run that was abandoned since no message came.
    Parked,
    /// It was refused.
    Refused(Reply),
    /// The run has ended with this reply for it.
    Ended(Reply),
}

impl Seat {
    /// Whether it takes part in this run and was not refused there.
    pub(super) fn is_in(&self, run: usize) -> bool {
        matches!(self.stand, Stand::Asked(own) | Stand::Accepted(own) if own == run)
    }

    /// Answers RCPT, unless it is answered.
    pub(super) fn tell(&mut self, slot: Slot, reply: Reply, actions: &mut Vec<Action>) {
        // If the member's own slot is here, another one was lent instead.
        let (own, other) = match self.slot.take() {
            Some(own) => (own, Some(slot)),
            None => (slot, None),
        };
        actions.extend(other.map(Action::Discard));
        if self.told.is_some() {
            actions.push(Action::Discard(own));
            return;
        }
        self.told = Some(reply.is_positive());
        actions.push(Action::Answer(own, reply));
    }

    /// Notes the final reply for the recipient, which also answers RCPT if that is open.
    pub(super) fn end(&mut self, reply: Reply, actions: &mut Vec<Action>) {
        if let Some(slot) = self.slot.take() {
            self.tell(slot, reply.clone(), actions);
        }
        self.stand = match self.told {
            Some(true) => Stand::Ended(reply),
            _ => Stand::Refused(reply),
        };
    }

    /// Whether its fate is known.
    fn is_settled(&self) -> bool {
        matches!(self.stand, Stand::Refused(_) | Stand::Ended(_))
    }
}

/// The final reply of a member with these seats; `None` while one of them is undecided.
pub(super) fn final_reply<'a>(seats: impl Iterator<Item = &'a Seat> + Clone) -> Option<Reply> {
    if !{ seats.clone() }.all(Seat::is_settled) {
        return None;
    }
    let refusals = { seats.clone() }.filter_map(|seat| match &seat.stand {
        Stand::Refused(reply) => Some(reply),
        _ => None,
    });
    // A recipient that was refused at RCPT gets no further reply.
    let own = seats.filter_map(|seat| match &seat.stand {
        Stand::Ended(reply) => Some((seat.position, reply)),
        Stand::Refused(reply) if seat.told == Some(true) => Some((seat.position, reply)),
        _ => None,
    });
    let Some((_, first)) = { own.clone() }.next() else {
        let refusal = Reply::standing_for(refusals).cloned();
        return Some(refusal.unwrap_or_else(Reply::no_valid_recipients));
    };
    if { own.clone() }.all(|(_, reply)| reply == first) {
        return Some(first.clone());
    }
    let mut each = FinalReplies::default();
    for (position, reply) in own {
        each.push(position, reply.clone());
    }
    Some(each.into_reply())
}

/// Whether the destination says that it accepts no more recipients in this transaction, which says
/// nothing about this recipient: RFC 5321 section 4.5.3.1.10, RFC 3463 X.5.3.
pub(super) fn is_too_many(reply: &Reply) -> bool {
    let bare = Reply::too_many_recipients();
    match reply.enhanced() {
        Some(code) => reply.is_negative() && (code.subject(), code.detail()) == (5, 3),
        None => reply.code() == bare.code(),
    }
}
