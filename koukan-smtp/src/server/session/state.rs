//! Which command is allowed when: the decisions of a session, without its doing.

use koukan_core::{
    context::ClientName,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use super::parameters;
use crate::{codec::Command, server::Limits};

/// Where a session stands.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Whether the client said EHLO (`true`) or HELO.
    is_extended: Option<bool>,
    phase: Phase,
}

/// Where the mail transaction stands.
#[derive(Debug, Default)]
enum Phase {
    /// There is none.
    #[default]
    Idle,
    /// MAIL was handed upstream, and is not refused as yet.
    Open(Envelope),
    /// At least one BDAT chunk was taken.
    Chunks,
    /// A BDAT chunk failed; more of them may be in the pipeline (RFC 3030 section 2).
    Failed(Reply),
}

/// What matters of MAIL and RCPT for what may follow.
#[derive(Debug)]
struct Envelope {
    is_smtputf8: bool,
    handed_on: usize,
    accepted: usize,
}

/// What to do with a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Start anew with that client name, and say what is offered.
    Hello(ClientName),
    /// Start a mail transaction.
    Mail(Mail),
    /// Hand the recipient upstream.
    Rcpt(Rcpt),
    /// Receive a message.
    Data,
    /// Receive a chunk of a message.
    Bdat {
        size: u64,
        is_last: bool,
    },
    /// Receive a chunk, throw it away, and then answer.
    Discard {
        size: u64,
        is_last: bool,
        reply: Reply,
        tally: Tally,
    },
    /// Abort the transaction, if there is one.
    Reset,
    /// Answer, and nothing else.
    Answer(Reply, Tally),
    Quit,
}

/// What a command counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tally {
    Fine,
    /// Leads nowhere.
    Idle,
    Error,
}

impl State {
    /// Whether the client said EHLO, so that replies have enhanced status codes.
    pub(super) fn is_extended(&self) -> bool {
        self.is_extended == Some(true)
    }

    /// Whether no mail transaction is under way.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Failed(_))
    }

    /// Whether what to do with the command depends on replies that are not there yet.
    ///
    /// *Source*: RFC 2920 section 3.1; of the others, RSET, EHLO and QUIT would take the answers
    /// of earlier commands with them.
    pub(super) fn must_wait(command: &Command) -> bool {
        match command {
            Command::Hello(_)
            | Command::Mail(_)
            | Command::Data
            | Command::Bdat { .. }
            | Command::Rset
            | Command::Quit => true,
            Command::Rcpt(_)
            | Command::Noop
            | Command::Vrfy
            | Command::Expn
            | Command::Help
            | Command::StartTls
            | Command::Auth { .. } => false,
        }
    }

    /// What to do with a command.
    pub(super) fn decide(&self, command: Command, limits: &Limits) -> Action {
        match command {
            Command::Hello(name) => Action::Hello(name),
            Command::Mail(mail) => self.mail(mail, limits),
            Command::Rcpt(rcpt) => self.rcpt(rcpt, limits),
            Command::Data => self.data(),
            Command::Bdat { size, is_last } => self.bdat(size, is_last),
            Command::Rset => Action::Reset,
            Command::Noop => Action::Answer(Reply::ok(), Tally::Idle),
            Command::Vrfy => Action::Answer(Reply::cannot_verify(), Tally::Idle),
            Command::Help => Action::Answer(Reply::help(), Tally::Idle),
            Command::Expn => Action::Answer(Reply::not_implemented(), Tally::Idle),
            Command::StartTls | Command::Auth { .. } => refuse(Reply::not_implemented()),
            Command::Quit => Action::Quit,
        }
    }

    fn mail(&self, mail: Mail, limits: &Limits) -> Action {
        if self.is_extended.is_none() || !self.is_idle() {
            return refuse(Reply::bad_sequence());
        }
        match parameters::check_mail(&mail.parameters, limits.message_size) {
            Ok(()) => Action::Mail(mail),
            Err(reply) => refuse(reply),
        }
    }

    fn rcpt(&self, rcpt: Rcpt, limits: &Limits) -> Action {
        let Phase::Open(envelope) = &self.phase else {
            return refuse(Reply::bad_sequence());
        };
        if let Err(reply) = parameters::check_rcpt(&rcpt.parameters) {
            return refuse(reply);
        }
        let mailbox = rcpt.forward_path.mailbox();
        if !envelope.is_smtputf8 && mailbox.is_some_and(|mailbox| !mailbox.is_ascii()) {
            return refuse(Reply::utf8_not_requested());
        }
        if envelope.handed_on >= limits.recipients {
            return Action::Answer(Reply::too_many_recipients(), Tally::Fine);
        }
        Action::Rcpt(rcpt)
    }

    fn data(&self) -> Action {
        match &self.phase {
            Phase::Open(envelope) => match envelope.missing_recipient() {
                None => Action::Data,
                Some(reply) => Action::Answer(reply, Tally::Fine),
            },
            Phase::Idle | Phase::Chunks | Phase::Failed(_) => refuse(Reply::bad_sequence()),
        }
    }

    fn bdat(&self, size: u64, is_last: bool) -> Action {
        let (reply, tally) = match &self.phase {
            Phase::Chunks => return Action::Bdat { size, is_last },
            Phase::Open(envelope) => match envelope.missing_recipient() {
                None => return Action::Bdat { size, is_last },
                Some(reply) => (reply, Tally::Fine),
            },
            Phase::Failed(reply) => (reply.clone(), Tally::Idle),
            Phase::Idle => (Reply::bad_sequence(), Tally::Error),
        };
        Action::Discard {
            size,
            is_last,
            reply,
            tally,
        }
    }

    // What has happened:

    /// The client said EHLO (`is_extended`) or HELO.
    pub(super) fn greeted(&mut self, is_extended: bool) {
        self.is_extended = Some(is_extended);
        self.phase = Phase::Idle;
    }

    /// MAIL was handed upstream.
    pub(super) fn opened(&mut self, is_smtputf8: bool) {
        self.phase = Phase::Open(Envelope {
            is_smtputf8,
            handed_on: 0,
            accepted: 0,
        });
    }

    /// A recipient was handed upstream.
    pub(super) fn recipient_handed_on(&mut self) {
        if let Phase::Open(envelope) = &mut self.phase {
            envelope.handed_on += 1;
        }
    }

    /// Upstream took a recipient.
    pub(super) fn recipient_accepted(&mut self) {
        if let Phase::Open(envelope) = &mut self.phase {
            envelope.accepted += 1;
        }
    }

    /// A chunk of the message was taken, and more are to come.
    pub(super) fn chunk_taken(&mut self) {
        self.phase = Phase::Chunks;
    }

    /// A chunk of the message was refused.
    pub(super) fn chunk_failed(&mut self, reply: Reply) {
        self.phase = Phase::Failed(reply);
    }

    /// A chunk was thrown away; `is_last` ends those that follow a failed one.
    pub(super) fn chunk_discarded(&mut self, is_last: bool) {
        if is_last && matches!(self.phase, Phase::Failed(_)) {
            self.phase = Phase::Idle;
        }
    }

    /// The transaction is over, one way or the other.
    pub(super) fn closed(&mut self) {
        self.phase = Phase::Idle;
    }
}

impl Envelope {
    /// What DATA or BDAT gets if there is nobody to deliver to.
    fn missing_recipient(&self) -> Option<Reply> {
        match self {
            Self { accepted: 1.., .. } => None,
            Self { handed_on: 1.., .. } => Some(Reply::no_valid_recipients()),
            _ => Some(Reply::bad_sequence()),
        }
    }
}

fn refuse(reply: Reply) -> Action {
    Action::Answer(reply, Tally::Error)
}
