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

#[cfg(test)]
mod tests {
    use super::*;

    /// States by name, each with what led to it.
    fn state(name: &str) -> State {
        let mut state = State::default();
        let steps: &[fn(&mut State)] = &[
            |state| state.greeted(true),
            |state| state.opened(false),
            State::recipient_handed_on,
            State::recipient_accepted,
            State::chunk_taken,
            |state| state.chunk_failed(Reply::message_too_big()),
        ];
        let count = [
            "new", "greeted", "mail", "refused", "ready", "chunks", "failed",
        ]
        .iter()
        .position(|other| *other == name)
        .unwrap();
        steps[..count].iter().for_each(|step| step(&mut state));
        state
    }

    /// The action in short: its kind, or the reply.
    fn decide(state: &State, line: &str) -> String {
        let limits = Limits {
            message_size: 1000,
            ..Limits::default()
        };
        let command = Command::parse(line.as_bytes()).unwrap();
        match state.decide(command, &limits) {
            Action::Answer(reply, _) => reply.to_string()[..9].trim_end().to_owned(),
            Action::Discard { reply, .. } => format!("discard {}", reply.code()),
            action => {
                let text = format!("{action:?}");
                let end = text.find(|c: char| !c.is_alphanumeric());
                text[..end.unwrap_or(text.len())].to_owned()
            }
        }
    }

    #[test]
    fn every_command_in_every_state() {
        const STATES: [&str; 7] = [
            "new", "greeted", "mail", "refused", "ready", "chunks", "failed",
        ];
        const BAD: &str = "503 5.5.1";
        const NONE: &str = "554 5.5.1";
        let table = [
            ("EHLO a", ["Hello"; 7]),
            ("HELO a", ["Hello"; 7]),
            ("MAIL FROM:<>", [BAD, "Mail", BAD, BAD, BAD, BAD, "Mail"]),
            (
                "RCPT TO:<a@b>",
                [BAD, BAD, "Rcpt", "Rcpt", "Rcpt", BAD, BAD],
            ),
            ("DATA", [BAD, BAD, BAD, NONE, "Data", BAD, BAD]),
            (
                "BDAT 1",
                [
                    "discard 503",
                    "discard 503",
                    "discard 503",
                    "discard 554",
                    "Bdat",
                    "Bdat",
                    "discard 552",
                ],
            ),
            ("RSET", ["Reset"; 7]),
            ("NOOP", ["250 2.0.0"; 7]),
            ("VRFY a", ["252 2.5.2"; 7]),
            ("EXPN a", ["502 5.5.1"; 7]),
            ("HELP", ["214 2.0.0"; 7]),
            ("STARTTLS", ["502 5.5.1"; 7]),
            ("AUTH PLAIN", ["502 5.5.1"; 7]),
            ("QUIT", ["Quit"; 7]),
        ];
        for (line, expected) in table {
            for (name, expected) in STATES.iter().zip(expected) {
                assert_eq!(decide(&state(name), line), expected, "{line} when {name}");
            }
        }
    }

    #[test]
    fn parameters_are_checked() {
        for (line, expected) in [
            ("MAIL FROM:<> SIZE=1000", "Mail"),
            ("MAIL FROM:<> size=0 body=7bit", "Mail"),
            ("MAIL FROM:<> BODY=8BITMIME SMTPUTF8", "Mail"),
            ("MAIL FROM:<> SIZE=1001", "552 5.3.4"),
            ("MAIL FROM:<> SIZE=99999999999999999999999", "552 5.3.4"),
            ("MAIL FROM:<> SIZE", "501 5.5.4"),
            ("MAIL FROM:<> SIZE=+1", "501 5.5.4"),
            ("MAIL FROM:<> BODY=BINARYMIME", "501 5.5.4"),
            ("MAIL FROM:<> SMTPUTF8=1", "501 5.5.4"),
            ("MAIL FROM:<> RET=FULL", "555 5.5.4"),
        ] {
            assert_eq!(decide(&state("greeted"), line), expected, "{line}");
        }
        assert_eq!(
            decide(&state("mail"), "RCPT TO:<a@b> NOTIFY=NEVER"),
            "555 5.5.4"
        );
        assert_eq!(decide(&state("mail"), "RCPT TO:<ä@b>"), "553 5.6.7");
        let mut utf8 = state("greeted");
        utf8.opened(true);
        assert_eq!(decide(&utf8, "RCPT TO:<ä@b>"), "Rcpt");
    }

    #[test]
    fn recipients_are_counted() {
        let mut state = state("mail");
        for _ in 0..Limits::default().recipients {
            assert_eq!(decide(&state, "RCPT TO:<a@b>"), "Rcpt");
            state.recipient_handed_on();
        }
        assert_eq!(decide(&state, "RCPT TO:<a@b>"), "452 4.5.3");
    }

    #[test]
    fn chunks_after_a_failed_one_are_over_with_the_last() {
        let mut state = state("failed");
        state.chunk_discarded(false);
        assert_eq!(decide(&state, "BDAT 1"), "discard 552");
        state.chunk_discarded(true);
        assert_eq!(decide(&state, "BDAT 1"), "discard 503");
    }
}
