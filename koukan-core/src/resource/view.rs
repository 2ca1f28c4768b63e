//! A transaction as a reader sees it.

use std::{borrow::Cow, fmt, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    context::Sender,
    reply::Reply,
    signals::HostPort,
    transaction::{Mail, Rcpt},
};

use super::Location;

/// A version of a transaction: another for every change that a reader can see.
///
/// *Shape*: opaque, as whoever serves the transaction gave it, without quotes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

/// A transaction as a reader sees it: the requests as placeholders, the replies whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// Whether the sender is known.
    pub has_sender: bool,
    /// The peer, or the host to deliver to, as whoever created the transaction named it.
    pub remote_host: Option<HostPort>,
    /// The address that the peer connected to, likewise.
    pub local_host: Option<HostPort>,
    /// Whether the MAIL command is known.
    pub has_mail_from: bool,
    /// How many RCPT commands are known.
    pub rcpt_to: usize,
    /// The message, as far as it is known.
    pub body: Option<BodyView>,
    /// The reply to MAIL.
    pub mail_response: Option<Reply>,
    /// The replies to RCPT, up to the first that is still to come.
    pub rcpt_response: Vec<Reply>,
    /// The final reply, which stands for all recipients.
    pub data_response: Option<Reply>,
    /// The final reply for each recipient, by their order, as far as it is known; empty where
    /// `rcpt_response` and `data_response` say it.
    pub final_replies: Vec<Option<Reply>>,
    /// How many attempts have begun.
    pub attempt_count: u32,
    /// Why nothing more will be tried; set once.
    pub final_attempt_reason: Option<Cow<'static, str>>,
    /// Whether transient failures are retried.
    pub retry: bool,
    /// Whether final failures are told to the reverse-path.
    pub notification: bool,
    /// Whether it was given up.
    pub cancelled: bool,
    /// Signals, by filter.
    pub filter_output: Map<String, Value>,
    /// What only the full view shows, where this process serves the transaction.
    pub details: Option<Box<Details>>,
}

/// What only the full view of a transaction shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// Where it is.
    pub location: Location,
    /// When it was made.
    pub created: Timestamp,
    /// On whose behalf.
    pub sender: Sender,
    /// The MAIL command, once it is known.
    pub mail_from: Option<Mail>,
    /// The recipients so far, and what has become of each, in order.
    pub recipients: Vec<RecipientView>,
    /// When the next attempt is due, where one is.
    pub next_attempt: Option<Timestamp>,
    /// When it is or was to be sent at the earliest, where that was said.
    pub send_at: Option<Timestamp>,
}

/// A recipient, as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipientView {
    /// The RCPT command.
    pub rcpt: Rcpt,
    /// What has become of it.
    pub state: RecipientState,
    /// The reply that says so; the most recent one where it is open.
    pub reply: Option<Reply>,
}

/// What has become of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecipientState {
    /// No attempt has ended yet.
    Pending,
    /// It was refused for the time being, and is to be tried again.
    Deferred,
    /// The destination has taken the message for it.
    Delivered,
    /// The destination has refused it for good.
    Failed,
    /// It was refused for the time being until attempts or time ran out.
    Expired,
    /// The transaction was cancelled before.
    Cancelled,
}

impl RecipientState {
    /// The state in a word, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The message of a transaction, as a reader sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyView {
    /// The RFC 5322 message, where octets of one are or can be uploaded.
    pub blob_status: Option<BlobStatus>,
    /// The description of the message, where there is one or one is wanted.
    pub message_builder: Option<BuilderView>,
}

/// A blob, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobStatus {
    /// Where to upload it.
    pub uri: Location,
    /// Whether it is complete.
    pub finalized: bool,
}

/// The description of a message, as a reader sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuilderView {
    /// Where a receiver wants the parsed message.
    pub uri: Option<Location>,
    /// The blobs that the description names, in order; `None` until there is a description.
    pub blob_status: Option<Vec<(Box<str>, BlobStatus)>>,
}

impl Version {
    /// A version as it was given.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl View {
    /// Whether nothing more will be tried.
    pub fn is_final(&self) -> bool {
        self.final_attempt_reason.is_some()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
