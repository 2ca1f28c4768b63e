//! One mail transaction on one connection.
//!
//! Two streams meet here: what the originator gives ([`Intake`]) and what the server replies.
//! [`Exchange::run`] turns round between three steps: write every command that may go now, wait
//! for the next [`Event`], take it in.

mod commands;
mod content;
mod event;
mod expected;
mod framing;
mod intake;
mod replies;

use std::{collections::VecDeque, future::poll_fn};

use koukan_core::{
    body::BodyError,
    reply::Reply,
    transaction::{Mail, Slot, Transaction},
};

use crate::{
    client::{ClientError, Wire, connection::Connection},
    codec::Unsendable,
};

use self::{event::Event, expected::Expected, framing::Framing, intake::Intake, replies::Verdict};

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
    pub(super) async fn run<Io: Wire>(
        &mut self,
        connection: &mut Connection<Io>,
    ) -> Result<Reply, Failure> {
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
}
