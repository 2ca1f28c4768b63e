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

/// A version of a transaction. It changes with everything that a reader can see.
///
/// *Shape*: opaque, as the server gave it, without quotes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

/// A transaction as a reader sees it: requests as placeholders, replies in full.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// Whether the sender is known.
    pub has_sender: bool,
    /// The client's address, or the host to deliver to, as the creator of the transaction named it.
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
    /// The replies to RCPT, up to the first missing one.
    pub rcpt_response: Vec<Reply>,
    /// The final reply, which stands for all recipients.
    pub data_response: Option<Reply>,
    /// The final reply for each recipient, in order, as far as it is known; empty where
    /// `rcpt_response` and `data_response` say the same.
    pub final_replies: Vec<Option<Reply>>,
    /// How many attempts have begun.
    pub attempt_count: u32,
    /// Why nothing more will be tried; set once.
    pub final_attempt_reason: Option<Cow<'static, str>>,
    /// Whether transient failures are retried.
    pub retry: bool,
    /// Whether the reverse-path is notified of permanent failures.
    pub notification: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Signals, by filter.
    pub filter_output: Map<String, Value>,
    /// Only in the full view, where this process serves the transaction.
    pub details: Option<Box<Details>>,
}

/// The additional details of the full view.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// Its location.
    pub location: Location,
    /// When it was created.
    pub created: Timestamp,
    /// Its sender.
    pub sender: Sender,
    /// The MAIL command, once it is known.
    pub mail_from: Option<Mail>,
    /// The recipients so far, in order, with their states.
    pub recipients: Vec<RecipientView>,
    /// When the next attempt is due, where one is.
    pub next_attempt: Option<Timestamp>,
    /// The earliest time of sending, where one was given.
    pub send_at: Option<Timestamp>,
}

/// A recipient, as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipientView {
    /// The RCPT command.
    pub rcpt: Rcpt,
    /// Its state.
    pub state: RecipientState,
    /// The reply that led to the state; the most recent one while it is open.
    pub reply: Option<Reply>,
}

/// The state of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecipientState {
    /// No attempt has ended yet.
    Pending,
    /// It was refused transiently, and will be tried again.
    Deferred,
    /// The destination has accepted the message for it.
    Delivered,
    /// The destination has refused it permanently.
    Failed,
    /// It was refused transiently until attempts or time ran out.
    Expired,
    /// The transaction was cancelled first.
    Cancelled,
}

impl RecipientState {
    /// A word for the state, as in the REST API.
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
    /// The RFC 5322 message, where its octets are there or can be uploaded.
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
