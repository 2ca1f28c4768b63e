//! The commands of one transaction, and what is still to be answered of them.

use tokio::time::Instant;

use crate::{
    reply::{FromUpstream, Reply},
    transaction::{Command, Rcpt, Slot},
};

/// The slots of one transaction, and its recipients in the order in which they came.
pub(super) struct Replies {
    mail: Option<Slot>,
    rcpts: Vec<Recipient>,
    /// How many of the recipients upstream has answered, from the first.
    answered: usize,
    accepted: usize,
}

struct Recipient {
    rcpt: Rcpt,
    slot: Option<Slot>,
    /// When upstream was last told of it.
    told: Option<Instant>,
}

impl Replies {
    pub(super) fn new(mail: Slot) -> Self {
        Self {
            mail: Some(mail),
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

    /// When upstream was told of the first recipient that it has not answered, if it was.
    pub(super) fn told_first_open(&self) -> Option<Instant> {
        self.rcpts.get(self.answered)?.told
    }

    pub(super) fn open_rcpt(&mut self, rcpt: Command<Rcpt>) {
        let (rcpt, slot) = rcpt.into_parts();
        self.rcpts.push(Recipient {
            rcpt,
            slot: Some(slot),
            told: None,
        });
    }

    /// The recipients from that position on, of which upstream is told now.
    pub(super) fn tell_from(&mut self, offset: usize) -> Vec<Rcpt> {
        let now = Instant::now();
        let news = self.rcpts.iter_mut().skip(offset);
        news.map(|recipient| {
            recipient.told = Some(now);
            recipient.rcpt.clone()
        })
        .collect()
    }

    /// Answers the recipients from that position on by itself; upstream is not told of them.
    pub(super) fn refuse_from(&mut self, offset: usize, reply: &Reply) {
        for recipient in self.rcpts.drain(offset..) {
            if let Some(slot) = recipient.slot {
                slot.answer(reply.clone());
            }
        }
    }

    pub(super) fn answer_mail(&mut self, reply: Reply) {
        if let Some(slot) = self.mail.take() {
            slot.answer(reply);
        }
    }

    /// Takes upstream's replies to the first recipients.
    pub(super) fn answer_rcpts(&mut self, replies: &[Reply]) {
        let open = self.rcpts.iter_mut().zip(replies).skip(self.answered);
        for (recipient, reply) in open {
            let reply = proper(reply);
            self.accepted += usize::from(reply.is_positive());
            self.answered += 1;
            if let Some(slot) = recipient.slot.take() {
                slot.answer(reply);
            }
        }
    }

    /// Upstream has accepted the message without a word on what is still open: so it accepted
    /// that too.
    pub(super) fn accept_rest(&mut self) {
        self.answer_mail(Reply::sender_ok());
        for recipient in &mut self.rcpts {
            if let Some(slot) = recipient.slot.take() {
                slot.answer(Reply::recipient_ok());
            }
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
