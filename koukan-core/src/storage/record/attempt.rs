//! One attempt at a transaction.

use std::sync::Arc;

use jiff::Timestamp;

use crate::reply::{Encryption, FinalReplies, Handover, RemoteMta, Reply};

use super::{Conversation, Shown, Suppression};

/// What one attempt at a transaction brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The reply to MAIL, if one came.
    pub mail_reply: Option<Reply>,
    /// The replies to RCPT, by the recipients' order in the transaction; `None` for recipients
    /// that were settled before or got no reply.
    pub recipient_replies: Vec<Option<Reply>>,
    /// The final reply, or the reply that made an end before the message was sent.
    pub final_reply: Reply,
    /// The final replies of recipients that have one of their own, by the recipients' order; of the
    /// others `final_reply` holds. Empty where it holds for all.
    pub final_replies: Vec<Option<Reply>>,
    /// The host that replied last, or that the last reply is about, where one was reached.
    pub remote: Option<RemoteMta>,
    /// What readers are shown from its end on; `None` where that is what it brought, as of a first
    /// attempt.
    pub shown: Option<Box<Shown>>,
    /// How the connection to that host was encrypted, where it was.
    pub tls: Option<Box<Encryption>>,
    /// What was said, where it has failed for somebody and that is known; backends need not tell of it
    /// where not all attempts are asked for.
    pub conversation: Option<Arc<Conversation>>,
    /// Addresses that it has found to be bad, to be written with it. What is read back has none.
    pub suppresses: Vec<Suppression>,
}

/// What an attempt meant for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// Upstream has taken the message for it.
    Delivered(Reply),
    /// It failed and may succeed later.
    Transient(Reply),
    /// It failed for good.
    Permanent(Reply),
}

/// A recipient that failed, and the reply that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Position of the recipient in the transaction.
    pub recipient: usize,
    /// The reply that decided.
    pub reply: Reply,
}

impl Attempt {
    /// An attempt that was broken off before there was a final reply.
    pub fn broken_off(
        at: Timestamp,
        mail_reply: Option<Reply>,
        recipient_replies: Vec<Option<Reply>>,
    ) -> Self {
        Self {
            started: at,
            ended: at,
            mail_reply,
            recipient_replies,
            final_reply: Reply::broken_off(),
            final_replies: Vec::new(),
            remote: None,
            shown: None,
            tls: None,
            conversation: None,
            suppresses: Vec::new(),
        }
    }

    /// The final reply that somebody gave; `None` where the attempt was broken off before.
    pub fn given_final_reply(&self) -> Option<&Reply> {
        (self.final_reply != Reply::broken_off()).then_some(&self.final_reply)
    }

    /// The final reply for the recipient at `index`: its own, or that for all.
    pub fn final_reply_for(&self, index: usize) -> &Reply {
        let own = self.final_replies.get(index).and_then(Option::as_ref);
        own.unwrap_or(&self.final_reply)
    }

    /// Whether upstream has taken the message for some recipient, though `final_reply` may say
    /// otherwise.
    pub fn is_any_delivered(&self) -> bool {
        let mut own = self.final_replies.iter().flatten();
        self.final_reply.is_positive() || own.any(Reply::is_positive)
    }

    /// Whether upstream has taken the message for all that it was for.
    pub(crate) fn is_all_delivered(&self) -> bool {
        let own = self.recipient_replies.iter().chain(&self.final_replies);
        self.final_reply.is_positive() && !own.flatten().any(Reply::is_negative)
    }

    /// The final reply, which carries those of recipients that have one of their own.
    pub(in crate::storage) fn whole_reply(&self) -> Reply {
        let mut own = FinalReplies::default();
        for (index, reply) in self.final_replies.iter().enumerate() {
            reply
                .iter()
                .for_each(|reply| own.push(index, reply.clone()));
        }
        own.into_reply_or(self.final_reply.clone())
    }

    /// Notes of all to whom it has delivered that their sender was told.
    pub(crate) fn told_of_success(&mut self) {
        let own = self.final_replies.iter_mut().flatten();
        for reply in own.chain([&mut self.final_reply]) {
            // One that tells by itself goes on to do so.
            if reply.is_positive() && reply.handover() != Some(Handover::PassedOn) {
                *reply = reply.clone().with_extension(Handover::Told);
            }
        }
    }

    /// What the attempt meant for the recipient at `index`.
    pub fn outcome(&self, index: usize) -> RecipientOutcome {
        let rcpt_reply = self.recipient_replies.get(index).and_then(Option::as_ref);
        let deciding = match rcpt_reply {
            Some(reply) if reply.is_negative() => reply,
            _ => self.final_reply_for(index),
        };
        let reply = deciding.clone();
        // Who has said it matters for failures, and who tells of it for success: notifications do.
        RecipientOutcome::of(if reply.is_positive() {
            reply.with_handover_only()
        } else {
            reply.with_origin_only()
        })
    }
}

impl RecipientOutcome {
    /// What the reply that decides means.
    pub fn of(reply: Reply) -> Self {
        if reply.is_permanent() {
            Self::Permanent(reply)
        } else if reply.is_positive() {
            Self::Delivered(reply)
        } else {
            Self::Transient(reply)
        }
    }

    /// The reply that decided.
    pub fn reply(&self) -> &Reply {
        match self {
            Self::Delivered(reply) | Self::Transient(reply) | Self::Permanent(reply) => reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_rcpt_reply_decides_over_the_final_one() {
        let attempt = Attempt {
            started: Timestamp::UNIX_EPOCH,
            ended: Timestamp::UNIX_EPOCH,
            mail_reply: None,
            recipient_replies: vec![
                Some(Reply::recipient_ok()),
                Some(Reply::mailbox_busy()),
                Some(Reply::no_such_user()),
                None,
            ],
            final_reply: Reply::message_accepted(),
            final_replies: Vec::new(),
            remote: None,
            shown: None,
            tls: None,
            conversation: None,
            suppresses: Vec::new(),
        };
        use RecipientOutcome::{Delivered, Permanent, Transient};
        assert_eq!(attempt.outcome(0), Delivered(Reply::message_accepted()));
        assert_eq!(attempt.outcome(1), Transient(Reply::mailbox_busy()));
        assert_eq!(attempt.outcome(2), Permanent(Reply::no_such_user()));
        assert_eq!(attempt.outcome(3), Delivered(Reply::message_accepted()));
        assert!(!attempt.is_all_delivered());
        let replies = vec![Some(Reply::recipient_ok()), None];
        let mut taken = Attempt {
            recipient_replies: replies,
            ..attempt.clone()
        };
        assert!(taken.is_all_delivered());
        taken.final_replies = vec![Some(Reply::ok()), Some(Reply::mailbox_busy())];
        assert!(!taken.is_all_delivered());
        let refused = Attempt {
            final_reply: Reply::bad_content(),
            ..attempt
        };
        assert!(!refused.is_any_delivered());
        assert_eq!(refused.outcome(0), Permanent(Reply::bad_content()));
        assert_eq!(refused.outcome(1), Transient(Reply::mailbox_busy()));
        let mixed = Attempt {
            final_replies: vec![Some(Reply::ok()), Some(Reply::ok())],
            ..refused
        };
        assert!(mixed.is_any_delivered());
        assert_eq!(mixed.outcome(0), Delivered(Reply::ok()));
        assert_eq!(mixed.outcome(1), Transient(Reply::mailbox_busy()));
        assert_eq!(mixed.outcome(3), Permanent(Reply::bad_content()));
        let whole = mixed.whole_reply();
        assert_eq!(whole, Reply::bad_content());
        assert_eq!(whole.for_recipient(1), &Reply::ok());
    }
}
