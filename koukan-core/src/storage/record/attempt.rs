//! One attempt at a transaction.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::reply::{Encryption, FinalReplies, Handover, RemoteMta, Reply, RetryAfter, Unreached};

use super::{Conversation, Shown, Suppression};

/// The result of one attempt at a transaction.
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
    /// The final reply, or the reply that ended the attempt before the message was sent.
    pub final_reply: Reply,
    /// The final replies of recipients that have one of their own, in the recipients' order;
    /// `final_reply` applies to the others. Empty where it applies to all.
    pub final_replies: Vec<Option<Reply>>,
    /// The host that gave the last reply, or that it is about, where one was reached.
    pub remote: Option<RemoteMta>,
    /// What readers are shown from its end on; `None` where that is its own result, as for a first
    /// attempt.
    pub shown: Option<Box<Shown>>,
    /// The encryption of the connection to that host, if there was any.
    pub tls: Option<Box<Encryption>>,
    /// The conversation, if the attempt has failed for some recipient and it is known. Backends need
    /// not return it unless all attempts are read.
    pub conversation: Option<Arc<Conversation>>,
    /// Addresses that it has found to be bad, to be written with it. Empty in an attempt that was read
    /// back.
    pub suppresses: Vec<Suppression>,
}

/// The result of an attempt for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// Upstream has accepted the message for it.
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
    /// An attempt that was broken off before a final reply.
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

    /// The final reply for the recipient at `index`: its own, or the one for all.
    pub fn final_reply_for(&self, index: usize) -> &Reply {
        let own = self.final_replies.get(index).and_then(Option::as_ref);
        own.unwrap_or(&self.final_reply)
    }

    /// Whether upstream has accepted the message for some recipient, even if `final_reply` says
    /// otherwise.
    pub fn is_any_delivered(&self) -> bool {
        let mut own = self.final_replies.iter().flatten();
        self.final_reply.is_positive() || own.any(Reply::is_positive)
    }

    /// Whether upstream has accepted the message for all its recipients.
    pub(crate) fn is_all_delivered(&self) -> bool {
        let own = self.recipient_replies.iter().chain(&self.final_replies);
        self.final_reply.is_positive() && !own.flatten().any(Reply::is_negative)
    }

    /// Whether its destination was reached, according to the final reply.
    pub(crate) fn has_met_destination(&self) -> bool {
        self.final_reply.extensions().get::<Unreached>().is_none()
    }

    /// The longest time that a reply of the destination asks to wait, counted from the end of the attempt.
    pub(crate) fn asked_to_wait(&self) -> Option<Duration> {
        let own = self.recipient_replies.iter().chain(&self.final_replies);
        let replies = own.flatten().chain([&self.final_reply]);
        let asked = replies.filter_map(|reply| reply.extensions().get::<RetryAfter>());
        asked.max().map(|RetryAfter(wait)| *wait)
    }

    /// The final reply, carrying those of recipients that have their own.
    pub(in crate::storage) fn whole_reply(&self) -> Reply {
        let mut own = FinalReplies::default();
        for (index, reply) in self.final_replies.iter().enumerate() {
            reply
                .iter()
                .for_each(|reply| own.push(index, reply.clone()));
        }
        own.into_reply_or(self.final_reply.clone())
    }

    /// Notes for all delivered recipients that their sender was notified.
    pub(crate) fn told_of_success(&mut self) {
        let own = self.final_replies.iter_mut().flatten();
        for reply in own.chain([&mut self.final_reply]) {
            // One that tells by itself goes on to do so.
            if reply.is_positive() && reply.handover() != Some(Handover::PassedOn) {
                *reply = reply.clone().with_extension(Handover::Told);
            }
        }
    }

    /// The result for the recipient at `index`.
    pub fn outcome(&self, index: usize) -> RecipientOutcome {
        let rcpt_reply = self.recipient_replies.get(index).and_then(Option::as_ref);
        let deciding = match rcpt_reply {
            Some(reply) if reply.is_negative() => reply,
            _ => self.final_reply_for(index),
        };
        let reply = deciding.clone();
        // Notifications need to know who gave a failure, and who reports a success.
        RecipientOutcome::of(if reply.is_positive() {
            reply.with_handover_only()
        } else {
            reply.with_origin_only()
        })
    }
}

impl RecipientOutcome {
    /// The result that the deciding reply means.
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
