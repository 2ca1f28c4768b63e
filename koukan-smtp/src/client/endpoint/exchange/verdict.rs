//! What a server has decided about the envelope.

use koukan_core::reply::Reply;

/// The reply to MAIL, and the result of those to RCPT.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    mail: Option<Reply>,
    /// Whether the server has answered for a recipient.
    is_begun: bool,
    accepted: usize,
    /// A refusal that stands for all refused recipients: a transient one, if there is one.
    refused: Option<Reply>,
}

impl Verdict {
    pub(super) fn note_mail(&mut self, reply: Reply) {
        self.mail = Some(reply);
    }

    /// Whether the server has made a final decision: it has refused MAIL, or answered for a recipient.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun || self.is_mail_refused()
    }

    /// Forgets the reply to MAIL, since another server is asked.
    pub(super) fn forget_mail(&mut self) {
        self.mail = None;
    }

    pub(super) fn is_mail_refused(&self) -> bool {
        self.mail_refusal().is_some()
    }

    fn mail_refusal(&self) -> Option<&Reply> {
        self.mail.as_ref().filter(|reply| reply.is_negative())
    }

    /// How many recipients were accepted.
    pub(super) fn accepted(&self) -> usize {
        self.accepted
    }

    pub(super) fn has_accepted(&self) -> bool {
        self.accepted > 0
    }

    /// Takes the server's reply to a recipient; returns the reply that the recipient gets.
    pub(super) fn recipient_reply(&mut self, reply: Reply) -> Reply {
        // After a refused MAIL the server only says "bad sequence".
        let reply = self.mail_refusal().cloned().unwrap_or(reply);
        self.is_begun = true;
        self.note_recipient(&reply);
        reply
    }

    pub(super) fn note_recipient(&mut self, reply: &Reply) {
        let is_transient = |reply: &Reply| reply.is_transient();
        if reply.is_positive() {
            self.accepted += 1;
        } else if !self.refused.as_ref().is_some_and(is_transient)
            && (self.refused.is_none() || reply.is_transient())
        {
            self.refused = Some(reply.clone());
        }
    }

    /// The final reply if no recipient was accepted.
    pub(super) fn refusal(&self) -> Reply {
        let refusal = self.mail_refusal().or(self.refused.as_ref());
        refusal.cloned().unwrap_or_else(Reply::no_valid_recipients)
    }

    /// The refusal that stands whatever may still come, if there is one. `is_undecided` says
    /// whether some recipient may still be accepted.
    pub(super) fn certain_refusal(&self, is_undecided: bool) -> Option<Reply> {
        let of_all = || {
            let is_certain = !is_undecided && !self.has_accepted();
            self.refused.as_ref().filter(|_| is_certain)
        };
        self.mail_refusal().or_else(of_all).cloned()
    }

    /// The final reply, given the server's reply to the message: that reply, unless there was no recipient.
    pub(super) fn apply(&self, reply: Reply) -> Reply {
        if self.has_accepted() {
            reply
        } else {
            self.refusal()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_certain_when_nobody_is_left_to_be_accepted() {
        let mut verdict = Verdict::default();
        assert_eq!(verdict.certain_refusal(false), None);
        verdict.note_recipient(&Reply::no_such_user());
        assert_eq!(verdict.certain_refusal(true), None);
        assert_eq!(verdict.certain_refusal(false), Some(Reply::no_such_user()));
        verdict.note_recipient(&Reply::recipient_ok());
        assert_eq!(verdict.certain_refusal(false), None);
    }

    #[test]
    fn a_refused_mail_decides_about_everything() {
        let mut verdict = Verdict::default();
        verdict.note_mail(Reply::policy_refused());
        let reply = verdict.recipient_reply(Reply::bad_sequence());
        assert_eq!(reply, Reply::policy_refused());
        assert_eq!(verdict.certain_refusal(true), Some(Reply::policy_refused()));
        assert_eq!(verdict.apply(Reply::message_accepted()), reply);
    }

    #[test]
    fn the_message_is_refused_as_its_recipients_were() {
        let mut verdict = Verdict::default();
        let never = Reply::no_such_user();
        verdict.note_recipient(&never);
        assert_eq!(verdict.apply(Reply::message_accepted()), never);
        verdict.note_recipient(&Reply::mailbox_busy());
        assert_eq!(verdict.refusal(), Reply::mailbox_busy());
        verdict.note_recipient(&Reply::recipient_ok());
        assert_eq!(
            verdict.apply(Reply::message_accepted()),
            Reply::message_accepted()
        );
    }
}
