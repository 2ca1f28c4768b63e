//! What upstream's answers come to.

use crate::{reply::Reply, resource::ResourceService};

use super::{super::replies::proper, Ended, Session, Stage};

impl<R: ResourceService> Session<'_, R> {
    /// Passes on what upstream has answered; says how the transaction ends, if it does.
    pub(super) fn judge(&mut self) -> Option<Ended> {
        let view = &self.upstream.view;
        let intake = &mut self.delivery.intake;
        if let Some(reply) = view.mail_response.as_ref().map(proper) {
            if reply.is_negative() {
                return Some(self.end(reply));
            }
            intake.replies.answer_mail(reply);
        }
        intake.replies.answer_rcpts(&view.rcpt_response);
        if let Some(reply) = view.data_response.as_ref().map(proper) {
            if reply.is_negative() {
                return Some(Ended::Replied(reply));
            }
            // Nothing but the end of the message makes it true.
            match &self.message {
                Stage::Held | Stage::Ready => {}
                Stage::Sending(progress) if !progress.is_ended() => return None,
                Stage::Sending(_) | Stage::Sent(_) => {
                    self.delivery.intake.replies.accept_rest();
                    self.upstream.hand_over();
                    return Some(Ended::Replied(reply));
                }
            }
            if matches!(self.message, Stage::Sending(_)) {
                // The reply has overtaken the end of the upload.
                return None;
            }
        }
        let is_refused = self.is_each_recipient_refused();
        if is_refused && self.delivery.intake.is_recipients_end() {
            return Some(Ended::Replied(Reply::no_valid_recipients()));
        }
        let is_final = self.upstream.view.is_final();
        is_final.then(|| Ended::Replied(Reply::given_up()))
    }

    /// Whether upstream has answered all recipients, and accepted none.
    fn is_each_recipient_refused(&self) -> bool {
        let replies = &self.delivery.intake.replies;
        replies.is_all_answered() && !replies.is_any_accepted()
    }
}
