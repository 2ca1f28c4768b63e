use crate::reply::Reply;

/// All replies to one mail transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct DeliverOutcome {
    /// The reply to MAIL.
    pub mail: Reply,
    /// The reply to each RCPT, in the order of the recipients. If MAIL was refused, its reply also
    /// stands for the recipients.
    pub recipients: Vec<Reply>,
    /// The reply to the message, for all recipients; `None` if it was not sent, since MAIL or every
    /// RCPT was refused. [`DeliverOutcome::verdict`] tells the result for each recipient.
    pub message: Option<Reply>,
}

impl DeliverOutcome {
    /// The result for the recipient at `index`: the reply that refused it, or else its final reply.
    ///
    /// # Panics
    ///
    /// If there is no recipient with that index.
    pub fn verdict(&self, index: usize) -> &Reply {
        let reply = &self.recipients[index];
        match &self.message {
            Some(message) if reply.is_positive() => message.for_recipient(index),
            _ => reply,
        }
    }

    /// Whether all recipients got the message.
    pub fn is_delivered(&self) -> bool {
        let is_positive = |message: &Reply| message.is_positive();
        self.message.as_ref().is_some_and(is_positive)
            && self.recipients.iter().all(Reply::is_positive)
    }

    /// Whether sending it again may help any recipient.
    pub fn is_transient(&self) -> bool {
        (0..self.recipients.len()).any(|index| self.verdict(index).is_transient())
    }
}
