//! Decides which commands are written, and when.

use koukan_core::{
    reply::Reply,
    transaction::{Command, Mail, Rcpt},
};

use crate::{
    client::{Wire, connection::Connection},
    codec::{MailParameters, Unsendable},
};

use super::{
    Exchange, Failure, OUTSTANDING_MAX, Stage,
    conversion::{self, Conversion},
    expected::Expected,
    framing::{self, Framing, Start},
};

/// What to do after something was written.
enum Next {
    More,
    /// Something must happen first.
    Wait,
    /// The transaction has ended, without the message.
    End(Reply),
}

impl Exchange {
    /// Writes what may be written now; returns the final reply if it is known without asking.
    ///
    /// If the server does not offer PIPELINING, each command waits for the reply to the one before.
    pub(super) fn write_commands<Io: Wire>(
        &mut self,
        connection: &mut Connection<Io>,
    ) -> Result<Option<Reply>, Failure> {
        if self.expected.is_empty() && connection.is_amid_reply() {
            // The server has begun a reply that was not asked for. It is read before the next
            // command is written.
            return Ok(None);
        }
        while self.may_write(connection) {
            let next = match &self.stage {
                Stage::Mail => self.write_mail(connection)?,
                Stage::Recipients => self.write_recipient(connection),
                Stage::GoAhead | Stage::Message(_) | Stage::Done => Next::Wait,
            };
            match next {
                Next::More => {}
                Next::Wait => break,
                Next::End(reply) => return Ok(Some(reply)),
            }
        }
        Ok(None)
    }

    fn may_write<Io: Wire>(&self, connection: &Connection<Io>) -> bool {
        let outstanding = self.expected.len();
        outstanding == 0 || (connection.capabilities().pipelining && outstanding < OUTSTANDING_MAX)
    }

    /// Writes RSET if another transaction may be open, and then MAIL.
    fn write_mail<Io: Wire>(&mut self, connection: &mut Connection<Io>) -> Result<Next, Failure> {
        let (needs_reset, is_lmtp) = (connection.needs_reset(), connection.is_lmtp());
        let (mut encoder, capabilities) = connection.encoder();
        let Mail {
            reverse_path,
            parameters,
        } = self.intake.envelope.mail();
        let without;
        let parameters = match is_lmtp && parameters.is_requiretls() && !capabilities.requiretls {
            true => {
                let mut rest = parameters.clone();
                rest.remove("REQUIRETLS");
                without = rest;
                &without
            }
            false => parameters,
        };
        let lowered = self
            .signatures
            .and_then(|_| conversion::without_binary(parameters, capabilities));
        let is_lowered = lowered.is_some();
        let parameters = lowered.as_deref().unwrap_or(parameters);
        // The octets are examined only if the result makes a difference.
        let is_read =
            parameters.is_smtputf8() || capabilities.eight_bit_mime || self.signatures.is_some();
        let content = &mut self.intake.content;
        let known = content.foreknowledge(is_read);
        let mut chosen = MailParameters::choose(reverse_path, parameters, capabilities, known)?;
        let conversion = self
            .signatures
            .and_then(|signatures| Conversion::of(signatures, &chosen, is_lowered, known));
        if conversion.is_some() {
            // The converted message is longer than the original.
            chosen.forget_size();
        }
        let (is_7bit_only, is_ascii_header_only) =
            (chosen.is_7bit_only(), chosen.is_ascii_header_only());
        content.restrict(is_7bit_only, is_ascii_header_only, conversion)?;
        if self.intake.envelope.waiting().any(is_utf8) {
            chosen.allow_smtputf8();
        }
        if needs_reset {
            encoder.rset();
            connection.end_transaction();
            self.expected.push_back(Expected::Rset);
            return Ok(Next::More);
        }
        self.is_smtputf8 = chosen.is_smtputf8();
        encoder.mail(reverse_path, &chosen);
        connection.begin_transaction();
        self.expected.push_back(Expected::Mail);
        self.stage = Stage::Recipients;
        Ok(Next::More)
    }

    /// Writes RCPT, or after the last one the beginning of the message.
    fn write_recipient<Io: Wire>(&mut self, connection: &mut Connection<Io>) -> Next {
        if self.verdict.is_mail_refused() {
            return self.end_without_message();
        }
        if self.is_full() && !self.intake.envelope.is_empty() {
            if !self.expected.is_empty() {
                // If one of the unanswered recipients is refused, there is room for another.
                return Next::Wait;
            }
            while let Some(rcpt) = self.intake.envelope.next_recipient() {
                rcpt.answer(Reply::too_many_recipients());
            }
        }
        if let Some(rcpt) = self.intake.envelope.next_recipient() {
            self.write_rcpt(rcpt, connection);
            return Next::More;
        }
        if !self.intake.envelope.is_end() {
            return Next::Wait;
        }
        match self.start(connection) {
            Start::Wait => return Next::Wait,
            Start::Never => return self.end_without_message(),
            Start::Data => {
                connection.encoder().0.data();
                self.expected.push_back(Expected::Data);
                self.stage = Stage::GoAhead;
            }
            Start::Blocks => self.stage = Stage::Message(Framing::Blocks),
        }
        Next::More
    }

    /// Whether the host has accepted the most recipients, or may still do so.
    fn is_full(&self) -> bool {
        let is_limited = self.recipients_max < usize::MAX;
        is_limited && self.verdict.accepted() + self.expected_recipients() >= self.recipients_max
    }

    /// Ends the transaction when the server has answered everything that it was asked.
    fn end_without_message(&self) -> Next {
        if self.expected.is_empty() {
            Next::End(self.verdict.refusal())
        } else {
            Next::Wait
        }
    }

    fn write_rcpt<Io: Wire>(&mut self, rcpt: Command<Rcpt>, connection: &mut Connection<Io>) {
        if is_utf8(&rcpt) && !self.is_smtputf8 {
            let reply = if connection.capabilities().smtputf8 {
                // MAIL was sent without SMTPUTF8, since nothing needed it then.
                let text = "recipient needs SMTPUTF8; send it in a separate transaction";
                Reply::other_destination().with_text(text)
            } else {
                let error = Unsendable::NeedsSmtputf8;
                connection.failure(error.into()).into_reply()
            };
            self.verdict.note_recipient(&reply);
            rcpt.answer(reply);
            return;
        }
        let Rcpt {
            forward_path,
            parameters,
        } = rcpt.request();
        self.is_notify_given |= parameters.contains("NOTIFY");
        let (mut encoder, capabilities) = connection.encoder();
        encoder.rcpt(forward_path, parameters, capabilities, self.is_smtputf8);
        self.expected.push_back(Expected::Rcpt(rcpt));
    }

    fn start<Io: Wire>(&self, connection: &Connection<Io>) -> Start {
        let start = framing::start(
            self.verdict.has_accepted(),
            self.expected_recipients() > 0,
            connection.capabilities(),
            &self.intake.content,
        );
        // A surplus line from the transaction before may take the place of the reply to RSET. Then
        // each later reply would be taken for that to another command, and the reply to the message
        // would be missing.
        let is_in_doubt = matches!(self.expected.front(), Some(Expected::Rset));
        // An LMTP server gives as many replies to the message as it has accepted recipients.
        let is_in_doubt = is_in_doubt || (self.each.is_some() && self.expected_recipients() > 0);
        match start {
            Start::Blocks if is_in_doubt => Start::Wait,
            start => start,
        }
    }
}

fn is_utf8(rcpt: &Command<Rcpt>) -> bool {
    !rcpt.forward_path().as_str().is_ascii()
}
