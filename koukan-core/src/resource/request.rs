//! Requests.

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
    /// The caller.
    pub caller: Caller,
    /// The operation.
    pub operation: Operation,
}

/// An operation on a transaction resource.
#[derive(Debug)]
pub enum Operation {
    /// Create a transaction.
    Create(Box<Create>),
    /// Read one.
    Read(Read),
    /// Add to a transaction that is created step by step.
    Append(Box<Append>),
    /// Write octets of its message, or of a part of the message.
    Upload(Upload),
    /// Write the parsed message; only for receivers.
    Parsed(ParsedUpload),
    /// Cancel it.
    Cancel(Location),
    /// List the transactions of a sender.
    List(ListTransactions),
}

/// Creates a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// The sender, which selects the chain.
    pub sender: Sender,
    /// The content so far.
    pub draft: Draft,
    /// How long to wait before answering.
    pub wait: Option<Duration>,
    /// The event to wait for.
    pub wait_for: WaitFor,
    /// A create with the same sender, key and content repeats this one. Another create with the
    /// same key is refused ([`KeyReused`](super::RefusalKind::KeyReused)).
    ///
    /// [`Create::wait`] does not matter for the comparison.
    pub idempotency_key: Option<Box<str>>,
}

/// The content of a transaction, as its creator gives it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// The SMTP client's address; or, for an SMTP gateway, the host to deliver to.
    pub remote_host: Option<HostPort>,
    /// The address that the SMTP client connected to.
    pub local_host: Option<HostPort>,
    /// Facts of the SMTP session.
    pub smtp_meta: Option<SmtpMeta>,
    /// The MAIL command.
    pub mail_from: Option<Mail>,
    /// The RCPT commands.
    pub rcpt_to: Vec<Rcpt>,
    /// The source of the message; `None` where it will be uploaded.
    pub body: Option<BodySource>,
    /// Whether to retry after transient failures; `None` for the sender's configuration.
    pub retry: Option<bool>,
    /// Whether to notify the reverse-path of permanent failures; likewise.
    pub notification: Option<bool>,
    /// The earliest time of sending; a time in the past counts as now. Only for transactions that
    /// are created in one step.
    pub send_at: Option<Timestamp>,
    /// Signals, by filter.
    pub filter_output: Map<String, Value>,
}

/// Facts of an SMTP session, given by a gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmtpMeta {
    /// The name that the client gave.
    pub ehlo_host: Option<Box<str>>,
    /// Whether the client used EHLO.
    pub is_esmtp: bool,
    /// Whether the connection had TLS.
    pub has_tls: bool,
    /// Whether the client authenticated itself.
    pub is_authenticated: bool,
}

/// The source of a transaction's message.
#[derive(Debug, Clone, PartialEq)]
pub enum BodySource {
    /// An RFC 5322 message.
    Inline(Bytes),
    /// The finished body of an earlier transaction.
    Reuse(Location),
    /// A description of the message, which is built here; see
    /// [`message::builder`](crate::message::builder).
    MessageBuilder(Value),
}

/// Reads a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Which.
    pub transaction: Location,
    /// The version that is known already; the answer is wanted when there is another one.
    pub if_none_match: Option<Version>,
    /// How long to wait for another version; if none is known, for `wait_for`.
    pub wait: Option<Duration>,
    /// The event to wait for, if no version is known.
    pub wait_for: WaitFor,
}

/// The event that a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WaitFor {
    /// Nothing more will be tried.
    #[default]
    End,
    /// The first attempt has ended.
    Attempt,
}

/// Adds to a transaction that is created step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Which.
    pub transaction: Location,
    /// The version that it changes.
    pub if_match: Option<Version>,
    /// The addition. An empty one shows that the originator is still there.
    pub draft: Draft,
    /// The position of the first of [`Draft::rcpt_to`] in the transaction.
    pub rcpt_to_list_offset: Option<usize>,
}

/// Sends the parsed message to a receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedUpload {
    /// The target: [`BuilderView::uri`](super::BuilderView::uri).
    pub to: Location,
    /// The version of the transaction that it changes.
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
    /// Only those that match this search.
    pub search: Search,
    /// How many at most.
    pub limit: usize,
    /// Where the previous list ended.
    pub cursor: Option<Box<str>>,
}

/// States by which transactions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListState {
    /// Waiting for an attempt, or for the rest of the message.
    Waiting,
    /// Waiting for the time of sending; also among the waiting ones.
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
    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::List(_))
    }
}

impl Draft {
    /// Whether it contains nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The address of the SMTP client, if `remote_host` is one.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        address(self.remote_host.as_ref()?)
    }

    /// The address that the SMTP client connected to, if `local_host` is one.
    pub fn local_address(&self) -> Option<SocketAddr> {
        address(self.local_host.as_ref()?)
    }
}

fn address(host: &HostPort) -> Option<SocketAddr> {
    Some(SocketAddr::new(host.host.parse().ok()?, host.port))
}
