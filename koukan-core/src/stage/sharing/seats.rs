//! Recipients, and how they stand.

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
    /// What is to be answered, unless it was or is lent.
    pub(super) slot: Option<Slot>,
    /// Whether RCPT was answered, and with a positive reply.
    pub(super) told: Option<bool>,
    pub(super) stand: Stand,
}

/// How a recipient stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is to be handed on.
    Waiting,
    /// It was handed on in that run.
    Asked(usize),
    /// It was accepted in that run.
    Accepted(usize),
    /// It was accepted in a run that was given up since no message came.
    Parked,
    /// It was refused.
    Refused(Reply),
    /// The run has ended with that reply for it.
    Ended(Reply),
}

impl Seat {
    /// Whether it takes part in that run and was not refused there.
    pub(super) fn is_in(&self, run: usize) -> bool {
        matches!(self.stand, Stand::Asked(own) | Stand::Accepted(own) if own == run)
    }

    /// Answers RCPT, unless that was done.
    pub(super) fn tell(&mut self, slot: Slot, reply: Reply, actions: &mut Vec<Action>) {
        // Where the member's own is here, another one was lent in its place.
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

    /// Notes the final reply for the recipient, which answers RCPT as well where that is open.
    pub(super) fn end(&mut self, reply: Reply, actions: &mut Vec<Action>) {
        if let Some(slot) = self.slot.take() {
            self.tell(slot, reply.clone(), actions);
        }
        self.stand = match self.told {
            Some(true) => Stand::Ended(reply),
            _ => Stand::Refused(reply),
        };
    }

    /// Whether it is known what becomes of it.
    fn is_settled(&self) -> bool {
        matches!(self.stand, Stand::Refused(_) | Stand::Ended(_))
    }
}

/// The final reply of a member with these seats; none yet where one of them is still to be decided.
pub(super) fn final_reply<'a>(seats: impl Iterator<Item = &'a Seat> + Clone) -> Option<Reply> {
    if !{ seats.clone() }.all(Seat::is_settled) {
        return None;
    }
    let refusals = { seats.clone() }.filter_map(|seat| match &seat.stand {
        Stand::Refused(reply) => Some(reply),
        _ => None,
    });
    // Who was told at RCPT hears no more of it.
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

/// Whether a destination says that it takes no more recipients in this transaction, and nothing about
/// the recipient: RFC 5321 section 4.5.3.1.10, RFC 3463 X.5.3.
pub(super) fn is_too_many(reply: &Reply) -> bool {
    let bare = Reply::too_many_recipients();
    match reply.enhanced() {
        Some(code) => reply.is_negative() && (code.subject(), code.detail()) == (5, 3),
        None => reply.code() == bare.code(),
    }
}
