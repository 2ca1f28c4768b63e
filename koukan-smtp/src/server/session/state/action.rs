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
    /// Ask the greeter about a client of that name; if it is welcome, start anew and announce the offer.
    Hello(ClientName),
    /// Start a mail transaction.
    Mail(Mail),
    /// Refuse MAIL. This counts as an error; commands that follow it in the pipeline do not.
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
        /// Whether the message that the chunk was to be a part of fails with it.
        fails: bool,
    },
    /// Upgrade the transport.
    StartTls,
    /// Start anew with that client.
    Xclient(Box<Xclient>),
    /// Authenticate the client; the text is its initial response in base 64, or empty.
    Authenticate(Mechanism, Box<str>),
    /// Abort the transaction, if there is one.
    Reset,
    /// Only answer.
    Answer(Reply, Tally),
    /// Answer and close the connection: further octets may not be meant as commands.
    Close(Reply),
    Quit,
}

impl Action {
    /// Refuses a command; this counts as an error.
    pub(super) fn refuse(reply: Reply) -> Self {
        Self::Answer(reply, Tally::Error)
    }
}

/// What kind of command it is, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Tally {
    Fine,
    /// It has no result.
    Idle,
    /// It was sent before the client could know that MAIL was refused.
    Futile,
    Error,
}

impl Tally {
    /// How a chunk counts. The pipeline may hold any number of chunks with octets, but chunks
    /// without octets are useless.
    pub(in super::super) fn of_chunk(size: u64) -> Self {
        match size {
            0 => Self::Idle,
            _ => Self::Fine,
        }
    }
}
