//! What each reply means for the transaction.

use koukan_core::reply::Reply;

use crate::client::{ClientError, Phase, Wire, connection::Connection};

use super::{
    Exchange, Failure, Stage,
    expected::Expected,
    framing::{Dots, Framing},
};

/// What the server has decided about the envelope.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    mail: Option<Reply>,
    accepted: usize,
    /// Stands for all refused recipients: of one that may be accepted later, if there is one.
    refused: Option<Reply>,
}

impl Exchange {
    /// Takes in the reply that comes next; returns it, or another, if it is the final one.
    pub(super) fn take_reply<Io: Wire>(
        &mut self,
        reply: Reply,
        connection: &mut Connection<Io>,
    ) -> Result<Option<Reply>, Failure> {
        let phase = self.phase();
        if reply.closes_connection() {
            return Ok(Some(reply));
        }
        let Some(expected) = self.expected.pop_front() else {
            // The server need not wait for the end of a message that it will not take.
            let is_amid_message = matches!(self.stage, Stage::Message(_));
            return if is_amid_message && reply.is_negative() {
                Ok(Some(reply))
            } else {
                Err(unexpected(&reply, phase))
            };
        };
        if reply.code().is_intermediate()
            != (matches!(expected, Expected::Data) && !reply.is_negative())
        {
            return Err(unexpected(&reply, phase));
        }
        match expected {
            Expected::Rset if reply.is_negative() => return Err(unexpected(&reply, phase)),
            Expected::Rset => {}
            Expected::Mail => self.take_mail_reply(reply),
            Expected::Rcpt(rcpt) => {
                // After a refused MAIL the server says no more than "bad sequence".
                let reply = self.verdict.mail_refusal().cloned().unwrap_or(reply);
                self.verdict.note_recipient(&reply);
                rcpt.answer(reply);
            }
            Expected::Data if reply.is_negative() => return Ok(Some(self.verdict.apply(reply))),
            Expected::Data => self.go_ahead(connection),
            Expected::Block if reply.is_negative() => return Ok(Some(self.verdict.apply(reply))),
            Expected::Block => {}
            Expected::Message if reply.is_positive() => {
                if !connection.output().is_empty() {
                    return Err(unexpected(&reply, phase));
                }
                connection.end_transaction();
                return Ok(Some(self.verdict.apply(reply)));
            }
            Expected::Message => return Ok(Some(self.verdict.apply(reply))),
        }
        Ok(None)
    }

    fn take_mail_reply(&mut self, reply: Reply) {
        if let Some(slot) = self.mail_slot.take() {
            slot.answer(reply.clone());
        }
        self.verdict.mail = Some(reply);
    }

    /// The server waits for the message.
    fn go_ahead<Io: Wire>(&mut self, connection: &mut Connection<Io>) {
        if self.verdict.has_accepted() {
            self.stage = Stage::Message(Framing::Dots(Dots::default()));
            return;
        }
        // DATA was pipelined, and all recipients were refused: RFC 2920 section 3.1.
        connection
            .output()
            .tail()
            .extend_from_slice(Dots::default().end());
        self.expected.push_back(Expected::Message);
        self.stage = Stage::Done;
    }

    /// What the server is busy with.
    pub(super) fn phase(&self) -> Phase {
        match (self.expected.front(), &self.stage) {
            (Some(expected), _) => expected.phase(),
            (None, Stage::Message(_)) => Phase::Block,
            (None, _) => Phase::Rcpt,
        }
    }
}

fn unexpected(reply: &Reply, phase: Phase) -> Failure {
    let code = reply.code();
    ClientError::UnexpectedReply { phase, code }.into()
}

// === impl Verdict ===

impl Verdict {
    pub(super) fn is_mail_answered(&self) -> bool {
        self.mail.is_some()
    }

    pub(super) fn is_mail_refused(&self) -> bool {
        self.mail_refusal().is_some()
    }

    fn mail_refusal(&self) -> Option<&Reply> {
        self.mail.as_ref().filter(|reply| reply.is_negative())
    }

    pub(super) fn has_accepted(&self) -> bool {
        self.accepted > 0
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

    /// The final reply where nothing was accepted.
    pub(super) fn refusal(&self) -> Reply {
        let refusal = self.mail_refusal().or(self.refused.as_ref());
        refusal.cloned().unwrap_or_else(Reply::no_valid_recipients)
    }

    /// The final reply, given the server's reply to the message: that, unless there was nobody
    /// to receive it.
    fn apply(&self, reply: Reply) -> Reply {
        if self.has_accepted() {
            reply
        } else {
            self.refusal()
        }
    }
}
