//! The commands of one transaction, and what is still to be answered of them.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    reply::{FromUpstream, Reply},
    transaction::{Command, Owed, Rcpt, Slot},
};

/// The recipients of one transaction in the order in which they came, and the replies that are owed.
pub(super) struct Replies {
    /// Upstream has until the deadline of a recipient, which it is given when upstream is told of it.
    owed: Owed<Slot>,
    rcpts: Vec<Rcpt>,
    /// How many of the recipients upstream has answered, from the first.
    answered: usize,
    accepted: usize,
}

impl Replies {
    pub(super) fn new(mail: Slot) -> Self {
        let mut owed = Owed::default();
        owed.add_mail(mail, None);
        Self {
            owed,
            rcpts: Vec::new(),
            answered: 0,
            accepted: 0,
        }
    }

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

    /// Until when upstream owes the reply to the first recipient that it has not answered, if it was
    /// told of that.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.owed.rcpt_deadline()
    }

    pub(super) fn open_rcpt(&mut self, rcpt: Command<Rcpt>) {
        let (rcpt, slot) = rcpt.into_parts();
        self.owed.add_rcpt(self.rcpts.len(), slot, None);
        self.rcpts.push(rcpt);
    }

    /// The recipients from that position on, of which upstream is told now.
    pub(super) fn tell_from(&mut self, offset: usize, timeout: Duration) -> Vec<Rcpt> {
        self.owed
            .set_rcpt_deadlines(offset, Instant::now() + timeout);
        self.rcpts[offset..].to_vec()
    }

    /// Answers the recipients from that position on by itself; upstream is not told of them.
    pub(super) fn refuse_from(&mut self, offset: usize, reply: &Reply) {
        self.rcpts.truncate(offset);
        for slot in self.owed.take_rcpts(offset) {
            slot.answer(reply.clone());
        }
    }

    pub(super) fn answer_mail(&mut self, reply: Reply) {
        if let Some(slot) = self.owed.take_mail() {
            slot.answer(reply);
        }
    }

    /// Takes upstream's replies to the first recipients.
    pub(super) fn answer_rcpts(&mut self, replies: &[Reply]) {
        let known = replies.len().min(self.rcpts.len());
        for (position, reply) in replies.iter().enumerate().take(known).skip(self.answered) {
            let reply = proper(reply);
            self.accepted += usize::from(reply.is_positive());
            self.answered += 1;
            if let Some(slot) = self.owed.take_rcpt(position) {
                slot.answer(reply);
            }
        }
    }

    /// Upstream has accepted the message without a word on what is still open: so it accepted
    /// that too.
    pub(super) fn accept_rest(&mut self) {
        self.answer_mail(Reply::sender_ok());
        for slot in self.owed.take_rcpts(0) {
            slot.answer(Reply::recipient_ok());
        }
    }
}

/// A reply that answers a command: upstream may give codes that do not. One that closes a connection
/// there closes none here.
pub(super) fn proper(reply: &Reply) -> Reply {
    if reply.is_negative() {
        reply.clone().relayed().with_extension(FromUpstream)
    } else if reply.is_positive() {
        reply.clone().relayed()
    } else {
        Reply::bad_upstream_reply()
    }
}
