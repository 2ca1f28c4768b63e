//! The replies that readers are shown.

use crate::reply::Reply;

use super::{Attempt, Recipient};

/// The replies that readers are shown, over all attempts so far.
///
/// A reply that was shown never disappears. It is replaced only by one of a later attempt, and
/// never once it is positive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// The reply to MAIL.
    pub mail: Option<Reply>,
    /// The replies to RCPT, by the recipients' order.
    pub recipients: Vec<Option<Reply>>,
    /// The final reply.
    pub last: Option<Reply>,
}

impl Shown {
    /// The replies to show after an attempt.
    pub fn after(attempt: &Attempt, recipients: &[Recipient]) -> Self {
        if let Some(shown) = &attempt.shown {
            return (**shown).clone();
        }
        let mut replies = attempt.recipient_replies.clone();
        replies.resize(recipients.len(), None);
        let brought = Self {
            mail: attempt.mail_reply.clone(),
            recipients: replies,
            last: attempt.given_final_reply().cloned(),
        };
        brought.completed(recipients)
    }

    /// After the final reply, nothing is open any more: a recipient without a reply of its own has
    /// the reply that settled it before, or the final reply if that is negative.
    #[must_use]
    pub fn completed(mut self, recipients: &[Recipient]) -> Self {
        let Some(last) = &self.last else {
            return self;
        };
        let rest = last.is_negative().then(|| last.clone());
        for (reply, recipient) in self.recipients.iter_mut().zip(recipients) {
            if reply.is_none() {
                *reply = recipient.settled.clone().or_else(|| rest.clone());
            }
        }
        self.mail = self.mail.or(rest);
        self
    }

    /// The replies to show when this follows `before`.
    #[must_use]
    pub fn over(self, before: Self) -> Self {
        let mut recipients = before.recipients;
        recipients.resize(recipients.len().max(self.recipients.len()), None);
        for (known, reply) in recipients.iter_mut().zip(self.recipients) {
            *known = later(reply, known.take());
        }
        Self {
            mail: later(self.mail, before.mail),
            recipients,
            last: later(self.last, before.last),
        }
    }
}

fn later(reply: Option<Reply>, before: Option<Reply>) -> Option<Reply> {
    match before {
        Some(before) if before.is_positive() => Some(before),
        before => reply.or(before),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mail: Reply, recipients: &[Reply], last: Reply) -> Shown {
        Shown {
            mail: Some(mail),
            recipients: recipients.iter().cloned().map(Some).collect(),
            last: Some(last),
        }
    }

    #[test]
    fn what_was_accepted_stays_and_what_failed_gives_way() {
        let first = shown(
            Reply::sender_ok(),
            &[Reply::recipient_ok(), Reply::mailbox_busy()],
            Reply::message_accepted(),
        );
        let second = shown(
            Reply::mailbox_busy(),
            &[Reply::no_such_user(), Reply::no_such_user()],
            Reply::no_such_user(),
        );
        let expected = shown(
            Reply::sender_ok(),
            &[Reply::recipient_ok(), Reply::no_such_user()],
            Reply::message_accepted(),
        );
        assert_eq!(second.over(first), expected);
    }

    #[test]
    fn what_is_not_said_again_stays() {
        let first = shown(
            Reply::mailbox_busy(),
            &[Reply::mailbox_busy()],
            Reply::mailbox_busy(),
        );
        assert_eq!(Shown::default().over(first.clone()), first);
    }
}
