//! One mail transaction on one connection.
//!
//! Two streams meet here: what the originator sends ([`Intake`]) and what the server replies.
//! [`Exchange::run`] repeats three steps: it writes every command that may be written now, waits
//! for the next [`Event`], and handles it.

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

/// The most commands that wait for their replies, and the most recipients that wait to be sent.
const OUTSTANDING_MAX: usize = 100;

/// A mail transaction, and how far it has come.
#[derive(Debug)]
pub(super) struct Exchange {
    intake: Intake,
    stage: Stage,
    /// The replies that the server still owes, in order.
    expected: VecDeque<Expected>,
    verdict: Verdict,
    oddities: Oddities,
    /// The recipients' final replies, if the server gives each recipient its own.
    each: Option<Each>,
    /// Whether forward-paths may contain UTF-8.
    is_smtputf8: bool,
    /// Whether the end of the message went out before all replies to the envelope were there.
    is_ahead: bool,
    /// Whether nothing may be sent ahead of a reply any more, because a server may already have the
    /// message.
    is_careful: bool,
    /// Whether the sender has said for some recipient which notifications it wants.
    is_notify_given: bool,
    /// The most recipients that the host may accept.
    recipients_max: usize,
    /// Whether the message is encoded if the host does not accept it, and how signatures are
    /// treated then.
    signatures: Option<Signatures>,
    /// Whether the connection has served other transactions.
    is_reused: bool,
    /// Whether the server has refused MAIL, perhaps because of those.
    is_turned_away: bool,
}

/// What is written next.
#[derive(Debug)]
enum Stage {
    /// RSET if necessary, and MAIL.
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

/// The transaction has ended without a reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The originator has gone, or its message has failed.
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

    /// Encodes the message if a host does not accept it; `signatures` says how signatures are
    /// treated then.
    pub(super) fn with_downgrade(mut self, signatures: Option<Signatures>) -> Self {
        self.signatures = signatures;
        self
    }

    /// Waits until there is a recipient, or it is certain that there is none; answers MAIL if the
    /// client sends nothing more without this reply. The message is not read before there is a
    /// connection for it.
    pub(super) async fn wait_for_recipient(&mut self) -> Result<(), Aborted> {
        self.intake.envelope.wait_for_recipient().await
    }

    /// Whether the recipients have ended without a single one.
    pub(super) fn is_without_recipients(&self) -> bool {
        self.intake.envelope.is_empty() && self.intake.envelope.is_end()
    }

    /// Sets the most recipients that the host may accept; the others get the reply that there are
    /// too many.
    pub(super) fn set_recipients_max(&mut self, recipients_max: usize) {
        self.recipients_max = recipients_max;
    }

    /// Whether the message is to go over TLS only.
    pub(super) fn is_requiretls(&self) -> bool {
        self.intake.envelope.mail().parameters.is_requiretls()
    }

    /// Runs the transaction on this connection; returns the final reply.
    pub(super) async fn run<Io: Wire>(
        &mut self,
        connection: &mut Connection<Io>,
        is_suspect: bool,
        is_reused: bool,
    ) -> Result<Reply, Failure> {
        // This is done even if MAIL is never sent: what was said before does not concern this
        // transaction.
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

    /// Returns to the start, for another connection, unless the server has refused MAIL or has
    /// answered for a recipient.
    ///
    /// If the message had already been sent, the next server gets it only after it has answered for
    /// the whole envelope, so there are at most two copies.
    pub(super) fn rewind(&mut self) -> bool {
        // What came in place of a reply may be about the message. That the server closes is not.
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

    /// The outcome of a transaction that has ended with that reply, if recipients may have other
    /// replies.
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

    /// Whether another connection to the same server may work better, if this transaction is its
    /// first.
    pub(super) fn is_turned_away(&self) -> bool {
        self.is_turned_away
    }

    /// Whether to treat the host with care from now on: it has broken the protocol, or it got the
    /// message before its replies and then gave none to the envelope.
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
