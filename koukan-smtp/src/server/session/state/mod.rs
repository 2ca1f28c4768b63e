//! Which command is allowed when: the decisions of a session, without carrying them out.

mod action;
mod domains;
mod misread;
mod security;
#[cfg(test)]
mod tests;

pub(super) use self::action::{Action, Tally};

use koukan_core::{
    context::ClientName,
    path::Parameters,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use self::{domains::Domains, misread::is_endless};
use super::parameters;
use crate::{
    Protocol,
    codec::{Command, CommandError},
    server::{Limits, Offer},
};

/// The state of a session.
#[derive(Debug)]
pub(super) struct State {
    protocol: Protocol,
    /// Whether the client said EHLO or LHLO (`true`), or HELO.
    is_extended: Option<bool>,
    /// What the client may use.
    offer: Offer,
    /// Whether the client must have TLS before it sends mail.
    needs_tls: bool,
    /// Whether the client must have authenticated before it sends mail.
    needs_identity: bool,
    /// Whether the client has authenticated by AUTH.
    is_authenticated: bool,
    /// The reply to every command but QUIT, if the client may not go on.
    turned_away: Option<Reply>,
    phase: Phase,
}

/// The state of the mail transaction.
#[derive(Debug, Default)]
enum Phase {
    /// There is no transaction.
    #[default]
    Idle,
    /// MAIL was refused; more of the same transaction may be in the pipeline (RFC 2920 section 3.1).
    Refused,
    /// MAIL was handed upstream, and has not been refused.
    Open(Envelope),
    /// At least one BDAT chunk was taken.
    Chunks,
    /// A BDAT chunk failed; more of them may be in the pipeline (RFC 3030 section 2).
    Failed(Reply),
}

/// What later commands depend on in MAIL and RCPT.
#[derive(Debug)]
struct Envelope {
    is_smtputf8: bool,
    /// Whether the message must come by BDAT.
    is_binary: bool,
    handed_on: usize,
    /// The domains of the recipients that were handed upstream, where their number is limited.
    domains: Domains,
    accepted: usize,
}

impl State {
    /// A new session, in which the client may be offered that.
    pub(super) fn new(offer: Offer) -> Self {
        Self {
            protocol: Protocol::Smtp,
            is_extended: None,
            offer,
            needs_tls: false,
            needs_identity: false,
            is_authenticated: false,
            turned_away: None,
            phase: Phase::Idle,
        }
    }

    /// The same, with a client that speaks that protocol.
    pub(super) fn with_protocol(self, protocol: Protocol) -> Self {
        Self { protocol, ..self }
    }

    /// The same, with whether the client must have TLS before it sends mail.
    pub(super) fn with_tls_needed(self, needs_tls: bool) -> Self {
        Self { needs_tls, ..self }
    }

    /// The same, with whether the client must have authenticated before it sends mail.
    pub(super) fn with_identity_needed(self, needs_identity: bool) -> Self {
        Self {
            needs_identity,
            ..self
        }
    }

    /// Whether replies have enhanced status codes: the client said EHLO and was offered them.
    pub(super) fn has_enhanced_codes(&self) -> bool {
        self.is_extended() && self.offer.enhanced_status_codes
    }

    /// The most octets in a message.
    pub(super) fn message_size(&self, limits: &Limits) -> u64 {
        self.offer.size.unwrap_or(limits.message_size)
    }

    fn is_extended(&self) -> bool {
        self.is_extended == Some(true)
    }

    /// Whether no mail transaction is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Refused | Phase::Failed(_))
    }

    /// Whether a message has begun with a chunk and more chunks are to come.
    pub(super) fn is_amid_chunks(&self) -> bool {
        matches!(self.phase, Phase::Chunks)
    }

    /// Whether the action for this command depends on replies that are not known yet.
    ///
    /// *Source*: RFC 2920 section 3.1. Some other commands also wait, because they would discard the replies to
    /// earlier ones: RSET, EHLO, STARTTLS, AUTH, QUIT, a malformed BDAT and another protocol.
    pub(super) fn must_wait(command: &Result<Command, CommandError>) -> bool {
        match command {
            Ok(
                Command::Hello(_)
                | Command::Lhlo(_)
                | Command::Mail(_)
                | Command::Data
                | Command::Bdat { .. }
                | Command::Rset
                | Command::StartTls
                | Command::Auth { .. }
                | Command::Xclient(_)
                | Command::Quit,
            )
            | Err(CommandError::Chunk { .. } | CommandError::OtherProtocol(_)) => true,
            Ok(
                Command::Rcpt(_) | Command::Noop | Command::Vrfy | Command::Expn | Command::Help,
            )
            | Err(_) => false,
        }
    }

    /// What to do with a command, or with a line that is not a command.
    pub(super) fn decide(&self, command: Result<Command, CommandError>, limits: &Limits) -> Action {
        let command = match command {
            Ok(command) => command,
            Err(error) => return self.misread(&error, limits),
        };
        if let Some(reply) = &self.turned_away {
            return match command {
                Command::Quit => Action::Quit,
                Command::Bdat { size, is_last } => self.bdat(size, is_last, limits),
                _ => Action::refuse(reply.clone()),
            };
        }
        match command {
            Command::Hello(name) => self.hello(name, Protocol::Smtp),
            Command::Lhlo(name) => self.hello(name, Protocol::Lmtp),
            Command::Mail(mail) => self.mail(mail),
            Command::Rcpt(rcpt) => self.rcpt(rcpt, limits),
            Command::Data => self.data(),
            Command::Bdat { size, is_last } => self.bdat(size, is_last, limits),
            Command::Rset => Action::Reset,
            Command::Noop => Action::Answer(Reply::ok(), Tally::Idle),
            Command::Vrfy => Action::Answer(Reply::cannot_verify(), Tally::Idle),
            Command::Help => Action::Answer(Reply::help(), Tally::Idle),
            Command::Expn => Action::Answer(Reply::not_implemented(), Tally::Idle),
            Command::StartTls => self.start_tls(),
            Command::Auth { argument } => self.auth(argument),
            Command::Xclient(xclient) => self.xclient(xclient),
            Command::Quit => Action::Quit,
        }
    }

    /// *Source*: RFC 2033 section 4.1.
    fn hello(&self, name: ClientName, protocol: Protocol) -> Action {
        match protocol == self.protocol {
            true => Action::Hello(name),
            false => Action::refuse(Reply::unknown_command()),
        }
    }

    fn mail(&self, mail: Mail) -> Action {
        if self.is_extended.is_none() || !self.is_idle() {
            return Action::refuse(Reply::bad_sequence());
        }
        if self.needs_tls {
            return Action::refuse(Reply::starttls_first());
        }
        if self.needs_identity {
            return Action::RefuseMail(Reply::authenticate_first());
        }
        match parameters::check_mail(&mail, &self.offer) {
            Ok(()) => Action::Mail(mail),
            Err(reply) => Action::RefuseMail(reply),
        }
    }

    fn rcpt(&self, rcpt: Rcpt, limits: &Limits) -> Action {
        let envelope = match &self.phase {
            Phase::Open(envelope) => envelope,
            Phase::Refused => return Action::Answer(Reply::bad_sequence(), Tally::Futile),
            Phase::Idle | Phase::Chunks | Phase::Failed(_) => {
                return Action::refuse(Reply::bad_sequence());
            }
        };
        let checked = parameters::check_rcpt(&rcpt, &self.offer, envelope.is_smtputf8);
        if let Err(reply) = checked {
            return Action::refuse(reply);
        }
        let mailbox = rcpt.forward_path.mailbox();
        if !envelope.is_smtputf8 && mailbox.is_some_and(|mailbox| !mailbox.is_ascii()) {
            return Action::refuse(Reply::utf8_not_requested());
        }
        let is_one_too_many = limits
            .recipient_domains
            .is_some_and(|max| envelope.domains.would_exceed(&rcpt, max));
        if envelope.handed_on >= limits.recipients || is_one_too_many {
            return Action::Answer(Reply::too_many_recipients(), Tally::Fine);
        }
        Action::Rcpt(rcpt)
    }

    fn data(&self) -> Action {
        match &self.phase {
            // RFC 3030 section 3.
            Phase::Open(envelope) if envelope.is_binary => {
                let text = "a binary message comes by BDAT";
                Action::refuse(Reply::bad_sequence().with_text(text))
            }
            Phase::Open(envelope) => match envelope.missing_recipient() {
                None => Action::Data,
                Some(reply) => Action::Answer(reply, Tally::Fine),
            },
            Phase::Refused => Action::Answer(Reply::bad_sequence(), Tally::Futile),
            Phase::Idle | Phase::Chunks | Phase::Failed(_) => Action::refuse(Reply::bad_sequence()),
        }
    }

    fn bdat(&self, size: u64, is_last: bool, limits: &Limits) -> Action {
        if is_endless(size, limits) {
            return Action::Close(Reply::message_too_big());
        }
        let (reply, tally) = match &self.phase {
            _ if self.turned_away.is_some() || !self.offer.chunking => {
                let reply = self.turned_away.clone();
                (reply.unwrap_or_else(Reply::not_implemented), Tally::Error)
            }
            Phase::Chunks => return Action::Bdat { size, is_last },
            Phase::Open(envelope) => match envelope.missing_recipient() {
                None => return Action::Bdat { size, is_last },
                Some(reply) => (reply, Tally::Fine),
            },
            Phase::Failed(reply) => (reply.clone(), Tally::of_chunk(size)),
            Phase::Refused => (Reply::bad_sequence(), Tally::Futile),
            Phase::Idle => (Reply::bad_sequence(), Tally::Error),
        };
        Action::Discard {
            size,
            is_last,
            reply,
            tally,
            fails: false,
        }
    }

    // Events that change the state:

    /// The client said EHLO (`is_extended`) or HELO, and got that offer.
    pub(super) fn greeted(&mut self, is_extended: bool, offer: Offer) {
        self.is_extended = Some(is_extended);
        self.offer = offer;
        self.phase = Phase::Idle;
    }

    /// The client has authenticated.
    pub(super) fn authenticated(&mut self) {
        self.is_authenticated = true;
        self.needs_identity = false;
    }

    /// The client may not go on: every command but QUIT gets `reply`.
    pub(super) fn turned_away(&mut self, reply: Reply) {
        self.turned_away = Some(reply);
    }

    /// MAIL was handed upstream.
    pub(super) fn opened(&mut self, parameters: &Parameters) {
        self.phase = Phase::Open(Envelope {
            is_smtputf8: parameters.is_smtputf8(),
            is_binary: parameters.is_binarymime(),
            handed_on: 0,
            domains: Domains::default(),
            accepted: 0,
        });
    }

    /// MAIL was refused, here or upstream.
    pub(super) fn mail_refused(&mut self) {
        self.phase = Phase::Refused;
    }

    /// A recipient was handed upstream.
    pub(super) fn recipient_handed_on(&mut self, rcpt: &Rcpt, limits: &Limits) {
        if let Phase::Open(envelope) = &mut self.phase {
            envelope.handed_on += 1;
            if limits.recipient_domains.is_some() {
                envelope.domains.add(rcpt);
            }
        }
    }

    /// Upstream accepted a recipient.
    pub(super) fn recipient_accepted(&mut self) {
        if let Phase::Open(envelope) = &mut self.phase {
            envelope.accepted += 1;
        }
    }

    /// A chunk of the message was taken; more are to come.
    pub(super) fn chunk_taken(&mut self) {
        self.phase = Phase::Chunks;
    }

    /// A chunk of the message was refused.
    pub(super) fn chunk_failed(&mut self, reply: Reply) {
        self.phase = Phase::Failed(reply);
    }

    /// A chunk was dropped; `is_last` marks the end of those that follow a failed one. Returns whether a message that had
    /// failed ends with it.
    pub(super) fn chunk_discarded(&mut self, is_last: bool) -> bool {
        let ends = is_last && matches!(self.phase, Phase::Failed(_));
        if ends {
            self.phase = Phase::Idle;
        }
        ends
    }

    /// The transaction has ended, successfully or not.
    pub(super) fn closed(&mut self) {
        self.phase = Phase::Idle;
    }
}

impl Envelope {
    /// The reply to DATA or BDAT if there is no accepted recipient.
    fn missing_recipient(&self) -> Option<Reply> {
        match self {
            Self { accepted: 1.., .. } => None,
            Self { handed_on: 1.., .. } => Some(Reply::no_valid_recipients()),
            _ => Some(Reply::bad_sequence()),
        }
    }
}
