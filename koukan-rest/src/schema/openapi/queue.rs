//! What those see who operate the agent.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::transaction::{Response, Transaction};

/// Some transactions of the queue, newest first.
#[derive(ToSchema)]
pub(super) struct QueueList {
    transactions: Vec<QueuedTransaction>,
    /// The `cursor` of the next page, where there is one.
    #[schema(required = false)]
    next_cursor: String,
}

/// A transaction of the queue.
#[derive(ToSchema)]
pub(super) struct QueuedTransaction {
    state: QueueState,
    /// Since when somebody holds it back.
    #[schema(required = false, format = "date-time")]
    held: String,
    /// In how many crashes of the agent it was worked on since an attempt at it ended: it may be what crashes the agent,
    /// and is attempted alone.
    #[schema(required = false, example = 3)]
    crashes: u32,
    /// Since when its destination is suspended, where it waits for that.
    #[schema(required = false, format = "date-time")]
    suspended: String,
    /// The host or domain that it goes to, as far as that was known before it was attempted.
    #[schema(required = false, example = "example.com")]
    destination: String,
    #[serde(flatten)]
    transaction: Transaction,
}

/// A transaction of the queue with each attempt at it.
#[derive(ToSchema)]
pub(super) struct QueuedDetails {
    /// The attempts that have ended, the oldest first.
    attempts: Vec<Attempt>,
    #[serde(flatten)]
    queued: QueuedTransaction,
}

/// What became of many transactions, or would.
#[derive(ToSchema)]
pub(super) struct QueueChanged {
    /// How many were meant.
    matched: u64,
    /// How many of them were changed.
    changed: u64,
    /// How many stay as they are, by the reason: `finished`, `active`, `held`, `not_held`, `draft`,
    /// `notifying`, `suspended`.
    skipped: BTreeMap<String, u64>,
}

/// What is to happen with a transaction, in a word.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum QueueState {
    Waiting,
    Held,
    Scheduled,
    Active,
    Finished,
}

/// An attempt to deliver.
#[derive(ToSchema)]
struct Attempt {
    /// The first is 1.
    number: u32,
    #[schema(format = "date-time")]
    started: String,
    #[schema(format = "date-time")]
    ended: String,
    /// The host that replied last, where one was reached, by the name that was connected to.
    #[schema(required = false, example = "mx.example.com")]
    host: String,
    /// Its address and port.
    #[schema(required = false, example = "192.0.2.1:25")]
    address: String,
    /// How the connection to it was encrypted, where it was.
    #[schema(required = false)]
    tls: AttemptTls,
    /// What was said with the host that was met last, where the attempt has failed for somebody: commands
    /// and replies, without the message, and without what we said to authenticate ourselves.
    #[schema(required = false)]
    conversation: Vec<AttemptLines>,
    /// Octets of it that were not kept.
    #[schema(required = false)]
    left_out: u64,
    /// The reply to MAIL.
    #[schema(required = false)]
    mail_response: Response,
    /// The recipients to which there was a reply.
    recipients: Vec<AttemptRecipient>,
    /// The final reply, or the one that made an end before the message was sent. Absent where the
    /// attempt was broken off.
    #[schema(required = false)]
    data_response: Response,
}

/// How the connection was encrypted.
#[derive(ToSchema)]
struct AttemptTls {
    #[schema(example = "TLSv1.3")]
    version: String,
    #[schema(example = "TLS_AES_128_GCM_SHA256")]
    cipher: String,
    verified: AttemptVerified,
}

/// By what the host has proved who it is: by nothing, by a certificate for its name, by one as a policy of
/// the recipients' domain demands (MTA-STS), or by one that the DNS names (DANE).
#[derive(ToSchema)]
#[serde(rename_all = "kebab-case")]
enum AttemptVerified {
    Unverified,
    Verified,
    MtaSts,
    Dane,
}

/// Lines that one side has said together.
#[derive(ToSchema)]
struct AttemptLines {
    #[schema(format = "date-time")]
    at: String,
    by: AttemptSpeaker,
    text: String,
}

/// Who says it: we are the client. An event is what has happened to the connection.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum AttemptSpeaker {
    Client,
    Server,
    Event,
}

/// What an attempt brought for a recipient.
#[derive(ToSchema)]
struct AttemptRecipient {
    #[schema(example = "bob@example.com")]
    address: String,
    rcpt_response: Response,
    /// Its final reply, where it has one of its own.
    #[schema(required = false)]
    data_response: Response,
}
