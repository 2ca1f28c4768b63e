//! Evaluates what upstream has answered.

use crate::{reply::Reply, resource::ResourceService};

use super::{super::replies::proper, Ended, Session, Stage};

impl<R: ResourceService> Session<'_, R> {
    /// Passes on upstream's answers. Returns how the transaction ends, if it does.
    pub(super) fn judge(&mut self) -> Option<Ended> {
        let view = &self.upstream.view;
        let intake = &mut self.delivery.intake;
        if let Some(reply) = view.mail_response.as_ref().map(proper) {
            if reply.is_negative() {
                return Some(self.end(reply));
            }
            intake.answer_mail(reply);
        }
        intake.replies.answer_rcpts(&view.rcpt_response);
        if let Some(reply) = view.data_response.as_ref().map(proper) {
            // A reply that the message was taken counts only once all of it was sent.
            let (is_under_way, has_all) = match &self.message {
                Stage::Held | Stage::Ready => (false, false),
                Stage::Sending(sending) => (true, sending.progress.is_ended()),
                Stage::Sent(_) => (false, true),
            };
            if has_all {
                return Some(self.final_reply(reply));
            }
            if reply.is_negative() {
                return Some(Ended::Replied(reply));
            }
            if is_under_way {
                // This reply has overtaken the end of the upload.
                return None;
            }
        }
        if self.delivery.intake.is_recipients_end() && self.is_each_recipient_refused() {
            return Some(Ended::Replied(self.refusal()));
        }
        let is_final = self.upstream.view.is_final();
        is_final.then(|| Ended::Replied(Reply::given_up()))
    }

    /// Upstream has the whole message and gives its final reply.
    fn final_reply(&mut self, reply: Reply) -> Ended {
        let intake = &mut self.delivery.intake;
        let final_replies = &self.upstream.view.final_replies;
        let reply = intake.replies.final_reply(reply, final_replies);
        if reply.is_positive_for_any() {
            intake.answer_mail(Reply::sender_ok());
            intake.replies.accept_rest();
        }
        if reply.is_positive() {
            self.upstream.hand_over();
        }
        Ended::Replied(reply)
    }

    /// The reply for all recipients if each was refused.
    fn refusal(&self) -> Reply {
        let replies: Vec<_> = self
            .upstream
            .view
            .rcpt_response
            .iter()
            .map(proper)
            .collect();
        let refusal = Reply::standing_for(&replies).cloned();
        refusal.unwrap_or_else(Reply::no_valid_recipients)
    }

    /// Whether upstream has answered all recipients, and accepted none.
    fn is_each_recipient_refused(&self) -> bool {
        let replies = &self.delivery.intake.replies;
        replies.is_all_answered() && !replies.is_any_accepted()
    }
}
