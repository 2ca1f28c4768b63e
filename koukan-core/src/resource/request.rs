//! What is asked.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    context::Sender,
    signals::HostPort,
    storage::Search,
    transaction::{Mail, Rcpt},
};

use super::{Caller, Location, Upload, Version};

/// A request for a transaction resource.
#[derive(Debug)]
pub struct ResourceRequest {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub operation: Operation,
}

/// What is asked of a transaction resource.
#[derive(Debug)]
pub enum Operation {
    /// Make a new transaction.
    Create(Box<Create>),
    /// Read one.
    Read(Read),
    /// Add to one that is made step by step.
    Append(Box<Append>),
    /// Write octets of its message, or of a part of that.
    Upload(Upload),
    /// Write the parsed message; receivers only.
    Parsed(ParsedUpload),
    /// Give it up.
    Cancel(Location),
    /// List those of a sender.
    List(ListTransactions),
}

/// Makes a new transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// On whose behalf: selects the chain.
    pub sender: Sender,
    /// What is known of it so far.
    pub draft: Draft,
    /// How long to wait before answering.
    pub wait: Option<Duration>,
    /// For what.
    pub wait_for: WaitFor,
    /// The same create of the same sender with the same key is a repetition of this one; another
    /// create with that key is refused ([`KeyReused`](super::RefusalKind::KeyReused)).
    ///
    /// Which create it is does not depend on [`Create::wait`].
    pub idempotency_key: Option<Box<str>>,
}

/// What whoever makes a transaction says of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The SMTP client's address; or the host to deliver to, where it is an SMTP gateway that is
    /// asked.
    pub remote_host: Option<HostPort>,
    /// The address that the SMTP client connected to.
    pub local_host: Option<HostPort>,
    /// Facts of the SMTP session.
    pub smtp_meta: Option<SmtpMeta>,
    /// The MAIL command.
    pub mail_from: Option<Mail>,
    /// The RCPT commands.
    pub rcpt_to: Vec<Rcpt>,
    /// Where the message comes from; `None` where it is to be uploaded.
    pub body: Option<BodySource>,
    /// Whether transient failures are to be retried; `None` for what the sender's config says.
    pub retry: Option<bool>,
    /// Whether final failures are to be told to the reverse-path; likewise.
    pub notification: Option<bool>,
    /// When it is sent at the earliest; what has passed is now. Only of what is made at once.
    pub send_at: Option<Timestamp>,
    /// Signals, by filter.
    pub filter_output: Map<String, Value>,
}

/// Facts of an SMTP session, as a gateway tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmtpMeta {
    /// How the client named itself.
    pub ehlo_host: Option<Box<str>>,
    /// Whether it said EHLO.
    pub is_esmtp: bool,
    /// Whether the connection had TLS.
    pub has_tls: bool,
    /// Whether the client authenticated itself.
    pub is_authenticated: bool,
}

/// Where the message of a transaction comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum BodySource {
    /// An RFC 5322 message.
    Inline(Bytes),
    /// The finished body of an earlier transaction.
    Reuse(Location),
    /// A description of the message, to be built here; see
    /// [`message::builder`](crate::message::builder).
    MessageBuilder(Value),
}

/// Reads a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Which.
    pub transaction: Location,
    /// The version that is known already: only another is of interest.
    pub if_none_match: Option<Version>,
    /// How long to wait for another version; or, where none is known, for `wait_for`.
    pub wait: Option<Duration>,
    /// For what, where no version is known.
    pub wait_for: WaitFor,
}

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WaitFor {
    /// That nothing more will be tried.
    #[default]
    End,
    /// That the first attempt has ended.
    Attempt,
}

/// Adds to a transaction that is made step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Which.
    pub transaction: Location,
    /// The version that is added to.
    pub if_match: Option<Version>,
    /// What is added; nothing at all tells that the originator is still there.
    pub draft: Draft,
    /// The position of the first of [`Draft::rcpt_to`] in the transaction.
    pub rcpt_to_list_offset: Option<usize>,
}

/// Gives a receiver the parsed message.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedUpload {
    /// Where to: [`BuilderView::uri`](super::BuilderView::uri).
    pub to: Location,
    /// The version of the transaction that is added to.
    pub if_match: Option<Version>,
    /// The message; see [`message::parser`](crate::message::parser).
    pub message: Value,
}

/// Lists transactions, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListTransactions {
    /// The sender's name.
    pub sender: Box<str>,
    /// Only those in this state.
    pub state: Option<ListState>,
    /// Only those that are looked for.
    pub search: Search,
    /// How many at most.
    pub limit: usize,
    /// Where the list before ended.
    pub cursor: Option<Box<str>>,
}

/// States by which transactions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListState {
    /// Waiting for an attempt, or for the rest of the message.
    Waiting,
    /// Waiting for the time at which it is to be sent; that is among what waits.
    Scheduled,
    /// Being worked on.
    Active,
    /// Nothing more will be tried.
    Finished,
}

impl ResourceRequest {
    /// A request of another part of the same agent.
    pub fn trusted(operation: Operation) -> Self {
        Self {
            caller: Caller::trusted(),
            operation,
        }
    }
}

impl Operation {
    /// Whether it changes something, and does not only read.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::List(_))
    }
}

impl Draft {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The address of the SMTP client, where it is given as one.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        address(self.remote_host.as_ref()?)
    }

    /// The address that the SMTP client connected to, where it is given as one.
    pub fn local_address(&self) -> Option<SocketAddr> {
        address(self.local_host.as_ref()?)
    }
}

fn address(host: &HostPort) -> Option<SocketAddr> {
    Some(SocketAddr::new(host.host.parse().ok()?, host.port))
}
