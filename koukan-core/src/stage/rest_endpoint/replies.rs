//! The commands of one transaction, and which of them are not answered yet.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    reply::{FinalReplies, FromUpstream, Reply},
    transaction::{Command, Owed, Positions, Rcpt, Slot},
};

/// The recipients of one transaction in their order, and the replies that upstream owes.
#[derive(Default)]
pub(super) struct Replies {
    /// The deadline of a recipient starts when upstream is told of it.
    owed: Owed<Slot>,
    rcpts: Vec<Rcpt>,
    positions: Positions,
    /// How many of the recipients upstream has answered, counted from the first.
    answered: usize,
    accepted: usize,
    /// The recipients that upstream has refused, in their order.
    refused: Vec<usize>,
}

impl Replies {
    /// How many recipients there are.
    pub(super) fn recipients(&self) -> usize {
        self.rcpts.len()
    }

    /// Whether upstream has answered all recipients that there are.
    pub(super) fn is_all_answered(&self) -> bool {
        self.answered == self.rcpts.len()
    }

    /// Whether upstream has accepted a recipient.
    pub(super) fn is_any_accepted(&self) -> bool {
        self.accepted > 0
    }

    /// The deadline of upstream's reply to the first recipient it has not answered, if it was told
    /// of that recipient.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.owed.rcpt_deadline()
    }

    pub(super) fn open_rcpt(&mut self, rcpt: Command<Rcpt>) {
        let (rcpt, slot) = rcpt.into_parts();
        let index = self.rcpts.len();
        self.positions.push(index, slot.position());
        self.owed.add_rcpt(index, slot, None);
        self.rcpts.push(rcpt);
    }

    /// Upstream is now told of the recipients from that position on.
    pub(super) fn tell_from(&mut self, offset: usize, timeout: Duration) -> Vec<Rcpt> {
        self.owed
            .set_rcpt_deadlines(offset, Instant::now() + timeout);
        self.rcpts[offset..].to_vec()
    }

    /// Answers the recipients from that position on without telling upstream of them.
    pub(super) fn refuse_from(&mut self, offset: usize, reply: &Reply) {
        self.rcpts.truncate(offset);
        self.positions.truncate(offset);
        for slot in self.owed.take_rcpts(offset) {
            slot.answer(reply.clone());
        }
    }

    /// Takes upstream's replies to the first recipients.
    pub(super) fn answer_rcpts(&mut self, replies: &[Reply]) {
        let known = replies.len().min(self.rcpts.len());
        for (position, reply) in replies.iter().enumerate().take(known).skip(self.answered) {
            let reply = proper(reply);
            if reply.is_positive() {
                self.accepted += 1;
            } else {
                self.refused.push(position);
            }
            self.answered += 1;
            if let Some(slot) = self.owed.take_rcpt(position) {
                slot.answer(reply);
            }
        }
    }

    /// Upstream's final reply: `whole` for all, and `each` by recipient if upstream gives such
    /// replies.
    pub(super) fn final_reply(&self, whole: Reply, each: &[Option<Reply>]) -> Reply {
        let mut replies = FinalReplies::default();
        for (index, reply) in each.iter().enumerate().take(self.rcpts.len()) {
            // A refused recipient gets its refusal again.
            if self.refused.binary_search(&index).is_err() {
                let reply = reply.as_ref().map_or_else(|| whole.clone(), proper);
                replies.push(index, reply);
            }
        }
        if replies.iter().all(|(_, reply)| *reply == whole) {
            return whole;
        }
        self.positions.downstream(match replies.len() {
            // With a single recipient, its own reply replaces the one for all.
            1 => replies.into_reply(),
            _ => replies.into_reply_or(whole),
        })
    }

    /// Upstream accepted the message without a reply to the recipients that are still open, so it
    /// accepted those too.
    pub(super) fn accept_rest(&mut self) {
        for slot in self.owed.take_rcpts(0) {
            slot.answer(Reply::recipient_ok());
        }
    }
}

/// A reply that answers a command: upstream may give codes that do not. A reply that closes a
/// connection there closes none here.
pub(super) fn proper(reply: &Reply) -> Reply {
    if reply.is_negative() {
        reply.clone().relayed().with_extension(FromUpstream)
    } else if reply.is_positive() {
        reply.clone().relayed()
    } else {
        Reply::bad_upstream_reply()
    }
}
