//! The queue, for operators.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::transaction::{Response, Transaction};

/// Some transactions of the queue, newest first.
#[derive(ToSchema)]
pub(super) struct QueueList {
    transactions: Vec<QueuedTransaction>,
    /// The `cursor` of the next page, if there is one.
    #[schema(required = false)]
    next_cursor: String,
}

/// A transaction of the queue.
#[derive(ToSchema)]
pub(super) struct QueuedTransaction {
    state: QueueState,
    /// Since when the transaction is held.
    #[schema(required = false, format = "date-time")]
    held: String,
    /// In how many crashes of the agent the transaction was being attempted, since an attempt last ended. It may be
    /// the cause of the crashes, so it is attempted alone.
    #[schema(required = false, example = 3)]
    crashes: u32,
    /// Since when its destination has been suspended, if it waits for that.
    #[schema(required = false, format = "date-time")]
    suspended: String,
    /// The host or domain that it goes to, as far as that was known before the first attempt.
    #[schema(required = false, example = "example.com")]
    destination: String,
    #[serde(flatten)]
    transaction: Transaction,
}

/// A transaction of the queue with each attempt at it.
#[derive(ToSchema)]
pub(super) struct QueuedDetails {
    /// The attempts that have ended, oldest first.
    attempts: Vec<Attempt>,
    #[serde(flatten)]
    queued: QueuedTransaction,
}

/// The result of a change of many transactions; or what it would be, for a dry run.
#[derive(ToSchema)]
pub(super) struct QueueChanged {
    /// How many transactions were selected.
    matched: u64,
    /// How many of them were changed.
    changed: u64,
    /// How many recipients of these are still to be delivered. All of them are concerned, also if the parameters name only
    /// one of a transaction's recipients.
    recipients: u64,
    /// How many were not changed, by reason: `finished`, `active`, `held`, `not_held`, `draft`, `notifying`, `suspended`.
    skipped: BTreeMap<String, u64>,
}

/// The state of a queued transaction.
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
    /// The number of the attempt, from 1.
    number: u32,
    #[schema(format = "date-time")]
    started: String,
    #[schema(format = "date-time")]
    ended: String,
    /// The host that sent the last reply, by the name that was connected to; absent if none was reached.
    #[schema(required = false, example = "mx.example.com")]
    host: String,
    /// Its address and port.
    #[schema(required = false, example = "192.0.2.1:25")]
    address: String,
    /// How the connection was encrypted, if it was.
    #[schema(required = false)]
    tls: AttemptTls,
    /// The dialogue with the last host, if the attempt has failed for a recipient: commands and replies, without the
    /// message, and without what this agent sent to authenticate.
    #[schema(required = false)]
    conversation: Vec<AttemptLines>,
    /// Octets of the dialogue that were not kept.
    #[schema(required = false)]
    left_out: u64,
    /// The reply to MAIL.
    #[schema(required = false)]
    mail_response: Response,
    /// The recipients that got a reply.
    recipients: Vec<AttemptRecipient>,
    /// The final reply, or the reply that ended the attempt before the message was sent. Absent if the attempt was broken off.
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

/// How the host has proved its identity: not at all, by a certificate for its name, by a certificate as the MTA-STS
/// policy of the recipients' domain demands, or by one that the DNS names (DANE).
#[derive(ToSchema)]
#[serde(rename_all = "kebab-case")]
enum AttemptVerified {
    Unverified,
    Verified,
    MtaSts,
    Dane,
}

/// Lines that one side sent together.
#[derive(ToSchema)]
struct AttemptLines {
    #[schema(format = "date-time")]
    at: String,
    by: AttemptSpeaker,
    text: String,
}

/// Who sent the lines; this agent is the client. An event is something that happened to the connection.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum AttemptSpeaker {
    Client,
    Server,
    Event,
}

/// The result of an attempt for a recipient.
#[derive(ToSchema)]
struct AttemptRecipient {
    #[schema(example = "bob@example.com")]
    address: String,
    rcpt_response: Response,
    /// The recipient's own final reply, if it has one.
    #[schema(required = false)]
    data_response: Response,
}
