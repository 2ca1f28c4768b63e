//! One mail transaction on one connection.
//!
//! Two streams meet here: what the originator gives ([`Intake`]) and what the server replies.
//! [`Exchange::run`] turns round between three steps: write every command that may go now, wait
//! for the next [`Event`], take it in.

mod commands;
mod content;
mod conversion;
mod each;
mod event;
mod expected;
mod framing;
mod intake;
mod oddities;
mod parting;
mod replies;
mod verdict;

use std::{collections::VecDeque, future::poll_fn, sync::Arc};

use koukan_core::{
    body::BodyError,
    message::downgrade::Signatures,
    reply::Reply,
    signals::Departure,
    transaction::{Aborted, Transaction},
};

use crate::{
    client::{ClientError, Wire, connection::Connection},
    codec::Unsendable,
};

use self::{
    content::Content, each::Each, event::Event, expected::Expected, framing::Framing,
    intake::Intake, oddities::Oddities, verdict::Verdict,
};

/// Commands that wait for their replies at most, and recipients that wait to be sent.
const OUTSTANDING_MAX: usize = 100;

/// A mail transaction as far as it has come.
#[derive(Debug)]
pub(super) struct Exchange {
    intake: Intake,
    stage: Stage,
    /// What the server has still to answer, in order.
    expected: VecDeque<Expected>,
    verdict: Verdict,
    oddities: Oddities,
    /// Where the server gives each recipient a final reply of its own.
    each: Option<Each>,
    /// Whether forward-paths may hold UTF-8.
    is_smtputf8: bool,
    /// Whether the end of the message went out before all replies to the envelope were there.
    is_ahead: bool,
    /// Whether nothing may go ahead of a reply any more: some server may have the message already.
    is_careful: bool,
    /// Whether a recipient's sender has said what it wants to be told.
    is_notify_given: bool,
    /// Recipients that the host is to accept, at most.
    recipients_max: usize,
    /// Whether the message is encoded where the host does not take it, and what becomes of signatures then.
    signatures: Option<Signatures>,
    /// Whether the connection has served other transactions.
    is_reused: bool,
    /// Whether the server has refused MAIL for what may have to do with those.
    is_turned_away: bool,
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
    pub(super) fn new(transaction: Transaction, departure: Option<Arc<Departure>>) -> Self {
        let Transaction {
            mail,
            recipients,
            body,
            ..
        } = transaction;
        Self {
            intake: Intake::new(mail, recipients, Content::new(body, departure)),
            stage: Stage::Mail,
            expected: VecDeque::new(),
            verdict: Verdict::default(),
            oddities: Oddities::default(),
            each: None,
            is_smtputf8: false,
            is_ahead: false,
            is_careful: false,
            is_notify_given: false,
            recipients_max: usize::MAX,
            signatures: None,
            is_reused: false,
            is_turned_away: false,
        }
    }

    /// Has the message be encoded where a host does not take it; says what becomes of signatures then.
    pub(super) fn with_downgrade(mut self, signatures: Option<Signatures>) -> Self {
        self.signatures = signatures;
        self
    }

    /// Waits until there is a recipient, or there will be none; answers MAIL if that takes the
    /// client's next command. The message is left alone: it is not read before there is a connection
    /// for it.
    pub(super) async fn wait_for_recipient(&mut self) -> Result<(), Aborted> {
        self.intake.envelope.wait_for_recipient().await
    }

    /// Whether the recipients have ended before there was one.
    pub(super) fn is_without_recipients(&self) -> bool {
        self.intake.envelope.is_empty() && self.intake.envelope.is_end()
    }

    /// Sets how many recipients the host is to accept, at most; others are told that there are too many.
    pub(super) fn set_recipients_max(&mut self, recipients_max: usize) {
        self.recipients_max = recipients_max;
    }

    /// Whether the message is to go over TLS only.
    pub(super) fn is_requiretls(&self) -> bool {
        self.intake.envelope.mail().parameters.is_requiretls()
    }

    /// Has the transaction on this connection; returns the final reply.
    pub(super) async fn run<Io: Wire>(
        &mut self,
        connection: &mut Connection<Io>,
        is_suspect: bool,
        is_reused: bool,
    ) -> Result<Reply, Failure> {
        // Also where it comes to no MAIL: what was said before is nobody's business here.
        connection.begin_recording();
        let is_binary = self.intake.envelope.mail().parameters.is_binarymime();
        connection.set_careful(self.is_careful || is_suspect, is_binary);
        self.is_reused = is_reused;
        self.each = connection.is_lmtp().then(Each::default);
        match self.converse(connection).await {
            Err(Failure::Client(error)) if error.is_silence() => match self.last_words() {
                Some(reply) => Ok(reply),
                None => Err(self.oddities.nonsense.take().unwrap_or(error).into()),
            },
            result => result,
        }
    }

    async fn converse<Io: Wire>(
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
                Event::Invalid(error) => self.take_invalid(error, connection)?,
            }
        }
    }

    /// Goes back to the start, for another connection, unless the server has refused MAIL or has
    /// answered for a recipient.
    ///
    /// Where the message had gone to it already, the next server gets it only after it has
    /// answered for the whole envelope: so that there are two copies at most.
    pub(super) fn rewind(&mut self) -> bool {
        // What was said in place of a reply may be about the message; that the server closes is not.
        let is_unclear = self.oddities.is_holding() && !self.oddities.is_closing();
        let is_over = self.verdict.is_begun() || self.oddities.mail.is_some() || is_unclear;
        if is_over || !self.intake.content.rewind() {
            return false;
        }
        self.is_careful |= self.is_end_given();
        self.is_turned_away = false;
        self.verdict.forget_mail();
        while let Some(expected) = self.expected.pop_back() {
            if let Expected::Rcpt(rcpt) = expected {
                self.intake.envelope.put_back(rcpt);
            }
        }
        while let Some((rcpt, _)) = self.oddities.recipients.pop() {
            self.intake.envelope.put_back(rcpt);
        }
        self.oddities = Oddities::default();
        self.is_ahead = false;
        self.stage = Stage::Mail;
        true
    }

    /// What is to be told of a transaction that has ended with that reply, where recipients may have
    /// others.
    pub(super) fn told(&mut self, reply: Reply) -> Reply {
        match &mut self.each {
            Some(each) => each.told(reply),
            None => reply,
        }
    }

    /// Whether the server has refused MAIL or answered for a recipient.
    pub(super) fn is_begun(&self) -> bool {
        self.verdict.is_begun()
    }

    /// Whether another connection to the same server may fare better, which serves this transaction
    /// first.
    pub(super) fn is_turned_away(&self) -> bool {
        self.is_turned_away
    }

    /// Whether the host is to be treated with care from now on: it has broken the protocol, or was
    /// given the message ahead of its replies and gave none to the envelope.
    pub(super) fn is_host_suspect(&self, result: &Result<Reply, Failure>) -> bool {
        let is_broken = |error: &ClientError| {
            error.is_protocol_error() || (error.is_silence() && self.is_ahead && !self.is_last())
        };
        let is_broken = matches!(result, Err(Failure::Client(error)) if is_broken(error));
        is_broken || self.oddities.is_any()
    }

    /// Whether the reply to the message is the only one that the server owes.
    fn is_last(&self) -> bool {
        matches!(self.expected.front(), Some(Expected::Message))
    }
}
