//! One mail transaction on one connection.
//!
//! Two streams meet here: what the originator gives ([`Intake`]) and what the server replies.
//! [`Exchange::run`] turns round between three steps: write every command that may go now, wait
//! for the next [`Event`], take it in.

mod content;
mod event;
mod expected;
mod framing;
mod intake;
mod replies;

use std::{collections::VecDeque, future::poll_fn};

use koukan_core::{
    body::BodyError,
    path::ForwardPath,
    reply::Reply,
    transaction::{Command, Mail, Rcpt, Slot, Transaction},
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    client::{ClientError, connection::Connection},
    codec::{MailParameters, Unsendable},
};

use self::{
    event::Event,
    expected::Expected,
    framing::{Framing, Start},
    intake::Intake,
    replies::Verdict,
};

/// Commands that wait for their replies at most, and recipients that wait to be sent.
const OUTSTANDING_MAX: usize = 100;

/// A mail transaction as far as it has come.
#[derive(Debug)]
pub(super) struct Exchange {
    mail: Mail,
    /// The slot of MAIL until it is answered.
    mail_slot: Option<Slot>,
    intake: Intake,
    stage: Stage,
    /// What the server has still to answer, in order.
    expected: VecDeque<Expected>,
    verdict: Verdict,
    /// Whether forward-paths may hold UTF-8.
    is_smtputf8: bool,
}

/// What is to be written next.
#[derive(Debug)]
enum Stage {
    /// RSET if need be, and MAIL.
    Mail,
    /// RCPT, or what starts the message.
    Recipients,
    /// Nothing until DATA is answered.
    GoAhead,
    /// The message.
    Message(Framing),
    /// Nothing more.
    Done,
}

/// The transaction has ended otherwise than by a reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The originator is gone, or its message has failed.
    #[error(transparent)]
    Intake(#[from] BodyError),
}

impl From<Unsendable> for Failure {
    fn from(error: Unsendable) -> Self {
        Self::Client(error.into())
    }
}

impl Exchange {
    pub(super) fn new(transaction: Transaction) -> Self {
        let (mail, slot) = transaction.mail.into_parts();
        Self {
            mail,
            mail_slot: Some(slot),
            intake: Intake::new(transaction.recipients, transaction.body),
            stage: Stage::Mail,
            expected: VecDeque::new(),
            verdict: Verdict::default(),
            is_smtputf8: false,
        }
    }

    /// Waits until there is a recipient, or there will be none; answers MAIL if that takes the
    /// client's next command.
    pub(super) async fn wait_for_recipient(&mut self) -> Result<(), BodyError> {
        self.intake.gather().await?;
        while self.intake.is_empty() && !self.intake.is_recipients_end() {
            if let Some(slot) = self.mail_slot.take() {
                slot.answer(Reply::sender_ok());
            }
            poll_fn(|cx| self.intake.poll_more(cx)).await?;
        }
        Ok(())
    }

    /// Whether the recipients have ended before there was one.
    pub(super) fn is_without_recipients(&self) -> bool {
        self.intake.is_empty() && self.intake.is_recipients_end()
    }

    /// Has the transaction on this connection; returns the final reply.
    pub(super) async fn run<Io>(
        &mut self,
        connection: &mut Connection<Io>,
    ) -> Result<Reply, Failure>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        self.intake.gather().await?;
        loop {
            if let Some(reply) = self.write_commands(connection)? {
                return Ok(reply);
            }
            match poll_fn(|cx| self.poll_event(cx, connection)).await? {
                Event::Intake => self.intake.gather().await?,
                Event::Reply(reply) => {
                    if let Some(reply) = self.take_reply(reply, connection)? {
                        return Ok(reply);
                    }
                }
            }
        }
    }

    /// Goes back to the start, for another connection, if the server has not answered MAIL and
    /// has been sent nothing of the message.
    pub(super) fn rewind(&mut self) -> bool {
        let is_message_begun = matches!(self.stage, Stage::Message(_) | Stage::Done);
        if self.verdict.is_mail_answered() || is_message_begun {
            return false;
        }
        while let Some(expected) = self.expected.pop_back() {
            if let Expected::Rcpt(rcpt) = expected {
                self.intake.put_back(rcpt);
            }
        }
        self.stage = Stage::Mail;
        true
    }

    /// Whether the server owes no reply and waits for no message, so that RSET is in order.
    pub(super) fn is_settled(&self) -> bool {
        self.expected.is_empty() && !matches!(self.stage, Stage::Message(Framing::Dots(_)))
    }

    /// Writes what may be written now; returns the final reply if it is known without asking.
    fn write_commands<Io>(
        &mut self,
        connection: &mut Connection<Io>,
    ) -> Result<Option<Reply>, Failure>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        while self.may_write(connection) {
            match &self.stage {
                Stage::Mail => self.write_mail(connection)?,
                Stage::Recipients => {
                    if self.verdict.is_mail_refused() {
                        let is_over = self.expected.is_empty();
                        return Ok(is_over.then(|| self.verdict.refusal()));
                    }
                    if let Some(rcpt) = self.intake.next_recipient() {
                        self.write_rcpt(rcpt, connection);
                    } else if !self.intake.is_recipients_end() {
                        return Ok(None);
                    } else {
                        match self.start(connection) {
                            Start::Wait => return Ok(None),
                            Start::Never => return Ok(Some(self.verdict.refusal())),
                            Start::Data => {
                                connection.encoder().0.data();
                                self.expected.push_back(Expected::Data);
                                self.stage = Stage::GoAhead;
                            }
                            Start::Blocks => self.stage = Stage::Message(Framing::Blocks),
                        }
                    }
                }
                Stage::GoAhead | Stage::Message(_) | Stage::Done => return Ok(None),
            }
        }
        Ok(None)
    }

    fn may_write<Io>(&self, connection: &Connection<Io>) -> bool
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let outstanding = self.expected.len();
        outstanding == 0 || (connection.capabilities().pipelining && outstanding < OUTSTANDING_MAX)
    }

    fn write_mail<Io>(&mut self, connection: &mut Connection<Io>) -> Result<(), Failure>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let needs_reset = connection.needs_reset();
        let (mut encoder, capabilities) = connection.encoder();
        let Mail {
            reverse_path,
            parameters,
        } = &self.mail;
        let length = self.intake.content.len();
        let mut chosen = MailParameters::choose(reverse_path, parameters, capabilities, length)?;
        if self.intake.recipients().any(is_utf8) {
            chosen.allow_smtputf8();
        }
        if chosen.is_7bit_only() {
            self.intake.content.forbid_8bit()?;
        }
        if needs_reset {
            encoder.rset();
            connection.end_transaction();
            self.expected.push_back(Expected::Rset);
            return Ok(());
        }
        self.is_smtputf8 = chosen.is_smtputf8();
        encoder.mail(reverse_path, &chosen);
        connection.begin_transaction();
        self.expected.push_back(Expected::Mail);
        self.stage = Stage::Recipients;
        Ok(())
    }

    fn write_rcpt<Io>(&mut self, rcpt: Command<Rcpt>, connection: &mut Connection<Io>)
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        if is_utf8(rcpt.forward_path()) && !self.is_smtputf8 {
            let reply = if connection.capabilities().smtputf8 {
                Reply::utf8_not_requested()
            } else {
                connection.sign(Reply::utf8_not_supported())
            };
            self.verdict.note_recipient(&reply);
            rcpt.answer(reply);
            return;
        }
        let Rcpt {
            forward_path,
            parameters,
        } = rcpt.request();
        let (mut encoder, capabilities) = connection.encoder();
        encoder.rcpt(forward_path, parameters, capabilities);
        self.expected.push_back(Expected::Rcpt(rcpt));
    }

    fn start<Io>(&self, connection: &Connection<Io>) -> Start
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        framing::start(
            self.verdict.has_accepted(),
            !self.expected.is_empty(),
            connection.capabilities(),
            &self.intake.content,
        )
    }
}

fn is_utf8(forward_path: &ForwardPath) -> bool {
    !forward_path.as_str().is_ascii()
}
