//! What a command leads to.

use koukan_core::{
    context::ClientName,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use crate::{codec::Xclient, sasl::Mechanism};

/// What to do with a command.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Action {
    /// Ask about a client of that name; if it is welcome, start anew and say what is offered.
    Hello(ClientName),
    /// Start a mail transaction.
    Mail(Mail),
    /// Refuse MAIL, which counts as an error; what follows it in the pipeline does not.
    RefuseMail(Reply),
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
        /// Whether the message that it was to be a part of has failed with that.
        fails: bool,
    },
    /// Have the transport upgraded.
    StartTls,
    /// Begin anew with that client.
    Xclient(Box<Xclient>),
    /// Find out who the client is; the text is its initial response, in base 64, or nothing.
    Authenticate(Mechanism, Box<str>),
    /// Abort the transaction, if there is one.
    Reset,
    /// Answer, and nothing else.
    Answer(Reply, Tally),
    /// Answer and close the connection: what else the client sends may not be meant as commands.
    Close(Reply),
    Quit,
}

impl Action {
    /// Refuses a command, which counts as an error.
    pub(super) fn refuse(reply: Reply) -> Self {
        Self::Answer(reply, Tally::Error)
    }
}

/// What a command counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Tally {
    Fine,
    /// Leads nowhere.
    Idle,
    /// Was sent before the client could know that MAIL was refused.
    Futile,
    Error,
}

impl Tally {
    /// What a chunk counts as: in the pipeline there may be as many as the message has; without octets
    /// they are no use.
    pub(in super::super) fn of_chunk(size: u64) -> Self {
        match size {
            0 => Self::Idle,
            _ => Self::Fine,
        }
    }
}
