//! What each reply means for the transaction.

use koukan_core::reply::{Handover, Reply};

use crate::{
    client::{ClientError, Phase, Wire, connection::Connection},
    codec::{CodesDiffer, InvalidReply},
};

use super::{
    Exchange, Failure, Stage,
    expected::Expected,
    framing::{Dots, Framing},
    oddities::Held,
};

impl Exchange {
    /// Takes the next reply; returns the final reply if it is now known.
    pub(super) fn take_reply<Io: Wire>(
        &mut self,
        reply: Reply,
        connection: &mut Connection<Io>,
    ) -> Result<Option<Reply>, Failure> {
        if reply.closes_connection() {
            return Ok(self.take_closing(reply));
        }
        let Some(expected) = self.expected.front() else {
            // The server need not wait for the end of a message that it will not accept.
            if self.is_amid_message() && reply.is_negative() && self.is_for_all() {
                return Ok(Some(reply));
            }
            let error = unexpected(&reply, self.phase());
            return if reply.code().is_intermediate() {
                self.take_nonsense(error, connection).map(|()| None)
            } else {
                Err(error.into())
            };
        };
        if reply.code().is_intermediate()
            != (matches!(expected, Expected::Data) && !reply.is_negative())
        {
            let error = unexpected(&reply, expected.phase());
            return self.take_nonsense(error, connection).map(|()| None);
        }
        let differ = reply.extensions().get::<CodesDiffer>();
        // No server sends several codes for one recipient. So the last line belongs to the next command, and all that
        // follow would be matched wrongly.
        let is_of_next = match expected {
            Expected::Rcpt(_) => !self.is_end_given() && self.expected_recipients() > 1,
            Expected::Message => !self.is_for_all(),
            _ => false,
        };
        if differ.is_some() && is_of_next {
            let phase = expected.phase();
            self.oddities.note();
            return Err(unexpected(&reply, phase).into());
        }
        if differ.is_some_and(|differ| differ.in_class) {
            self.oddities.note();
            if self.is_end_given() && !matches!(expected, Expected::Message) {
                self.hold_front(Held::unclear(reply));
                return Ok(None);
            }
        }
        match self.expected.pop_front() {
            Some(expected) => self.take_answer(expected, reply, connection),
            None => Ok(None),
        }
    }

    fn take_answer<Io: Wire>(
        &mut self,
        expected: Expected,
        reply: Reply,
        connection: &mut Connection<Io>,
    ) -> Result<Option<Reply>, Failure> {
        match expected {
            // No server sends several codes for RSET: some of the lines belong to the next command.
            Expected::Rset
                if reply.is_negative() || reply.extensions().get::<CodesDiffer>().is_some() =>
            {
                self.oddities.note();
                // The outcome of a message that was already sent shows in the next replies.
                if !self.is_end_given() {
                    return Err(unexpected(&reply, Phase::Rset).into());
                }
            }
            Expected::Rset => {}
            Expected::Mail if self.is_reused && reply.is_about_session() => {
                self.is_turned_away = true;
                return Ok(Some(reply));
            }
            Expected::Mail => self.take_mail_reply(reply),
            Expected::Rcpt(rcpt) => {
                // From now on no other host is tried.
                self.intake.content.forget_sent();
                let reply = self.verdict.recipient_reply(reply.relayed());
                if let Some(each) = self.each.as_mut().filter(|_| reply.is_positive()) {
                    each.accept(rcpt.position());
                }
                rcpt.answer(reply);
            }
            Expected::Data if reply.is_negative() => return Ok(Some(self.verdict.apply(reply))),
            Expected::Data => return Ok(self.go_ahead(connection)),
            Expected::Block if reply.is_negative() => {
                if !self.is_end_given() {
                    return Ok(Some(self.verdict.apply(reply)));
                }
                self.oddities.objection.get_or_insert(reply);
            }
            Expected::Block => {}
            Expected::Message if self.each.is_some() => return self.take_one(reply, connection),
            Expected::Message => return self.take_last(reply, connection).map(Some),
        }
        Ok(None)
    }

    /// Takes the reply to the message.
    fn take_last<Io: Wire>(
        &mut self,
        reply: Reply,
        connection: &mut Connection<Io>,
    ) -> Result<Reply, Failure> {
        if reply.is_positive() {
            if !connection.output().is_empty() || self.is_overtaken(connection) {
                return Err(unexpected(&reply, Phase::EndOfData).into());
            }
            connection.end_transaction();
        }
        let is_any_accepted = self.verdict.has_accepted();
        if let Some(held) = self.oddities.mail.take() {
            self.take_mail_reply(held.settle(&reply, Some(connection.sign(Reply::sender_ok()))));
        }
        for (rcpt, held) in std::mem::take(&mut self.oddities.recipients) {
            let accepted = || connection.sign(Reply::recipient_ok());
            let answer = held.settle(&reply, (!is_any_accepted).then(accepted));
            rcpt.answer(self.verdict.recipient_reply(answer));
        }
        let objection = self.oddities.objection.take();
        let reply = match objection {
            Some(objection) if reply.is_negative() => objection,
            _ => reply,
        };
        let reply = self.verdict.apply(reply);
        let is_passed_on = self.is_passed_on(connection);
        Ok(match is_passed_on && reply.is_positive() {
            true => reply.with_extension(Handover::PassedOn),
            false => reply,
        })
    }

    /// Takes a recipient's reply to the message; returns it if it is the last.
    fn take_one<Io: Wire>(
        &mut self,
        reply: Reply,
        connection: &mut Connection<Io>,
    ) -> Result<Option<Reply>, Failure> {
        if reply.is_positive() && !connection.output().is_empty() {
            return Err(unexpected(&reply, Phase::EndOfData).into());
        }
        let is_passed_on = self.is_passed_on(connection);
        let Some(each) = &mut self.each else {
            return Ok(Some(reply));
        };
        let own = reply.clone().relayed();
        let own = match (reply.is_positive(), is_passed_on) {
            (true, true) => own.with_extension(Handover::PassedOn),
            (true, false) => own.with_extension(Handover::Delivered),
            (false, _) => own,
        };
        if !each.take(own) {
            return Ok(None);
        }
        if connection.has_input() {
            // The server counts differently: if its replies differ, it is not certain whose they are.
            match connection.buffered_reply() {
                Some(surplus) if surplus.closes_connection() => {}
                surplus => {
                    self.oddities.note();
                    let is_refusal = surplus.is_some_and(|surplus| surplus.is_negative());
                    if is_refusal || each.is_any_negative() {
                        each.doubt();
                        return Err(unexpected(&reply, Phase::EndOfData).into());
                    }
                }
            }
        }
        connection.end_transaction();
        Ok(Some(reply))
    }

    /// Whether the server will report success to the sender, if the sender wants that.
    fn is_passed_on<Io: Wire>(&self, connection: &Connection<Io>) -> bool {
        self.is_notify_given && connection.capabilities().dsn
    }

    /// Whether the next reply to the message, if there is one, is for all recipients.
    fn is_for_all(&self) -> bool {
        self.each.as_ref().is_none_or(|each| each.owed() <= 1)
    }

    /// Whether the reply that was taken for the final one belongs to an earlier command: there are more replies than
    /// commands, and the last of them is a refusal.
    fn is_overtaken<Io: Wire>(&mut self, connection: &mut Connection<Io>) -> bool {
        if !self.is_ahead || !connection.has_input() {
            return false;
        }
        match connection.buffered_reply() {
            // The message was accepted before the server closes.
            Some(reply) if reply.closes_connection() => false,
            surplus => {
                self.oddities.note();
                surplus.is_some_and(|reply| reply.is_negative())
            }
        }
    }

    /// The server has sent 421. This is the final reply, unless the message was already sent: its reply may then still come.
    fn take_closing(&mut self, reply: Reply) -> Option<Reply> {
        if !self.is_end_given() || matches!(self.expected.front(), Some(Expected::Message) | None) {
            return Some(reply);
        }
        self.hold_front(Held::unclear(reply.clone()));
        self.oddities.objection = Some(reply);
        None
    }

    /// Takes something that is not a reply at all.
    pub(super) fn take_invalid<Io: Wire>(
        &mut self,
        error: ClientError,
        connection: &mut Connection<Io>,
    ) -> Result<(), Failure> {
        let is_line_only = matches!(
            error,
            ClientError::InvalidReply {
                source: InvalidReply::NoCode,
                ..
            }
        );
        if !is_line_only {
            return self.take_nonsense(error, connection);
        }
        if self.is_end_given() && self.oddities.takes_noise() {
            Ok(())
        } else {
            Err(error.into())
        }
    }

    /// Takes a reply that makes no sense as an answer to the current command.
    fn take_nonsense<Io: Wire>(
        &mut self,
        error: ClientError,
        connection: &mut Connection<Io>,
    ) -> Result<(), Failure> {
        match self.expected.front() {
            Some(Expected::Rcpt(_)) => {}
            Some(Expected::Rset | Expected::Mail | Expected::Block) if self.is_end_given() => {}
            // It may stand in the place of a recipient's reply, and those that follow be other recipients'.
            Some(Expected::Message) if !self.is_for_all() => {
                self.oddities.note();
                return Err(error.into());
            }
            // Such codes decide nothing (RFC 5321 section 4.2.1): the reply is still to come.
            Some(Expected::Message) => return self.pass_over(error),
            None if self.is_amid_message() => return self.pass_over(error),
            _ => return Err(error.into()),
        }
        self.oddities.note();
        let reply = connection.failure(error).into_reply();
        if self.is_end_given() {
            self.hold_front(Held::nonsense(reply));
        } else if let Some(Expected::Rcpt(rcpt)) = self.expected.pop_front() {
            rcpt.answer(self.verdict.recipient_reply(reply));
        }
        Ok(())
    }

    /// Skips what was not a reply, and goes on waiting for the reply to the message.
    fn pass_over(&mut self, error: ClientError) -> Result<(), Failure> {
        if !self.oddities.takes_noise() {
            return Err(error.into());
        }
        self.oddities.nonsense.get_or_insert(error);
        Ok(())
    }

    /// Lets the current command wait for the reply to the message.
    fn hold_front(&mut self, held: Held) {
        match self.expected.pop_front() {
            Some(Expected::Mail) => self.oddities.mail = Some(held),
            Some(Expected::Rcpt(rcpt)) => self.oddities.recipients.push((rcpt, held)),
            _ => {}
        }
    }

    fn take_mail_reply(&mut self, reply: Reply) {
        let reply = reply.relayed();
        self.intake.envelope.answer_mail(reply.clone());
        if reply.is_negative() {
            // There is no other host for it.
            self.intake.content.forget_sent();
        }
        self.verdict.note_mail(reply);
    }

    /// The server waits for the message; returns the final reply if it gets none.
    fn go_ahead<Io: Wire>(&mut self, connection: &mut Connection<Io>) -> Option<Reply> {
        if self.verdict.has_accepted() {
            self.stage = Stage::Message(Framing::Dots(Dots::default()));
            return None;
        }
        if self.each.is_some() {
            // It should have refused DATA; how many replies it gives to a message for nobody is unknown.
            self.oddities.note();
        }
        if self.oddities.is_any() {
            // It may believe that there is a recipient, and deliver even an empty message.
            return Some(self.verdict.refusal());
        }
        // DATA was pipelined, and all recipients were refused: RFC 2920 section 3.1.
        connection
            .output()
            .tail()
            .extend_from_slice(Dots::default().end());
        self.expected.push_back(Expected::Message);
        self.stage = Stage::Done;
        None
    }

    /// How many recipients the server has not answered.
    pub(super) fn expected_recipients(&self) -> usize {
        let is_rcpt = |expected: &&Expected| matches!(expected, Expected::Rcpt(_));
        self.expected.iter().filter(is_rcpt).count()
    }

    fn is_amid_message(&self) -> bool {
        matches!(self.stage, Stage::Message(_))
    }

    /// Whether the end of the message was sent, or is about to be.
    pub(super) fn is_end_given(&self) -> bool {
        matches!(self.expected.back(), Some(Expected::Message))
    }

    /// The phase in which the server is.
    pub(in super::super) fn phase(&self) -> Phase {
        match (self.expected.front(), &self.stage) {
            (Some(expected), _) => expected.phase(),
            (None, Stage::Message(_)) => Phase::Block,
            (None, _) => Phase::Rcpt,
        }
    }

    /// The final reply after the server has disconnected without one, if what it has sent is enough.
    pub(super) fn last_words(&self) -> Option<Reply> {
        let objection = self.oddities.objection.clone();
        objection.or_else(|| {
            let is_open = |expected: &Expected| matches!(expected, Expected::Rcpt(_));
            let is_undecided = self.expected.iter().any(is_open) || self.oddities.is_holding();
            self.verdict.certain_refusal(is_undecided)
        })
    }
}

fn unexpected(reply: &Reply, phase: Phase) -> ClientError {
    let code = reply.code();
    ClientError::UnexpectedReply { phase, code }
}
