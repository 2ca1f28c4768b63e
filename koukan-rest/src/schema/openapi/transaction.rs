//! A transaction as a reader sees it.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::request::Host;

/// A transaction. Fields that the client has sent are returned as `{}`, which means that the server
/// has them. Lists show the whole sender, reverse-path and recipients instead.
#[derive(ToSchema)]
pub(super) struct Transaction {
    /// The last segment of its URI; in the full view.
    #[schema(required = false)]
    id: String,
    /// Its URI; in the full view.
    #[schema(required = false)]
    uri: String,
    /// When it was created; in the full view.
    #[schema(required = false, format = "date-time")]
    created: String,
    #[schema(required = false)]
    sender: Map<String, Value>,
    /// As given in the create.
    #[schema(required = false)]
    remote_host: Host,
    /// As given in the create.
    #[schema(required = false)]
    local_host: Host,
    #[schema(required = false)]
    mail_from: Map<String, Value>,
    #[schema(required = false)]
    rcpt_to: Vec<Map<String, Value>>,
    #[schema(required = false)]
    body: BodyStatus,
    /// The reply to MAIL in the most recent attempt.
    #[schema(required = false)]
    mail_response: Response,
    /// The replies to RCPT, in the order of `rcpt_to`, up to the first that is still awaited.
    #[schema(required = false)]
    rcpt_response: Vec<Response>,
    /// The final reply.
    #[schema(required = false)]
    data_response: Response,
    /// How many attempts have begun.
    #[schema(required = false)]
    attempt_count: u32,
    /// Why no further attempt will be made; set once.
    #[schema(required = false)]
    final_attempt_reason: FinalAttemptReason,
    /// When the next attempt is due; in the full view.
    #[schema(required = false, format = "date-time")]
    next_attempt: String,
    /// The earliest time at which it is sent, if one was given; in the full view.
    #[schema(required = false, format = "date-time")]
    send_at: String,
    /// Present if transient failures are retried.
    #[schema(required = false)]
    retry: Map<String, Value>,
    /// Present if final failures are reported to the reverse-path.
    #[schema(required = false)]
    notification: Map<String, Value>,
    /// Whether it was cancelled.
    #[schema(required = false)]
    cancelled: bool,
    /// The signals, by filter; only shown in the full view.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
    /// What has happened to each recipient, in the order of `rcpt_to`; in the full view.
    #[schema(required = false)]
    recipients: Vec<Recipient>,
}

/// Why no further attempt will be made.
#[derive(ToSchema)]
enum FinalAttemptReason {
    #[serde(rename = "delivered")]
    Delivered,
    #[serde(rename = "partly delivered")]
    PartlyDelivered,
    #[serde(rename = "failed")]
    Failed,
    #[serde(rename = "expired")]
    Expired,
    #[serde(rename = "cancelled")]
    Cancelled,
    #[serde(rename = "downstream timeout")]
    DownstreamTimeout,
}

/// What has happened to a recipient.
#[derive(ToSchema)]
pub(super) struct Recipient {
    #[schema(example = "bob@example.com")]
    address: String,
    state: RecipientState,
    /// The reply that decided the state; while the recipient is open, the most recent one.
    #[schema(required = false)]
    reply: RecipientReply,
}

/// The state of a recipient.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum RecipientState {
    Pending,
    Deferred,
    Delivered,
    Failed,
    Expired,
    Cancelled,
    Relayed,
}

/// An SMTP reply about a recipient.
#[derive(ToSchema)]
struct RecipientReply {
    #[schema(minimum = 200, maximum = 599, example = 550)]
    code: u16,
    /// The enhanced status code, if there is one.
    #[schema(required = false, example = "5.1.1")]
    enhanced: String,
    /// The enhanced status code, if there is one, and text.
    #[schema(example = "5.1.1 no such user")]
    message: String,
}

/// An SMTP reply.
#[derive(ToSchema)]
pub(super) struct Response {
    #[schema(minimum = 200, maximum = 599, example = 250)]
    code: u16,
    /// The enhanced status code, if there is one, and text.
    #[schema(example = "2.0.0 ok")]
    message: String,
}

/// The state of the message, as far as it is known.
#[derive(ToSchema)]
struct BodyStatus {
    /// The RFC 5322 message.
    #[schema(required = false)]
    blob_status: BlobStatus,
    #[schema(required = false)]
    message_builder: BuilderStatus,
}

/// A blob to be uploaded.
#[derive(ToSchema)]
struct BlobStatus {
    /// The URI to PUT it to.
    uri: String,
    /// Whether it is complete; absent until then.
    #[schema(required = false)]
    finalized: bool,
}

/// The message in parts.
#[derive(ToSchema)]
struct BuilderStatus {
    /// The URI to which a receiver wants the parsed message.
    #[schema(required = false)]
    uri: String,
    /// The blobs that the message names.
    #[schema(required = false)]
    blob_status: BTreeMap<String, BlobStatus>,
}

/// Some of a sender's transactions, newest first.
#[derive(ToSchema)]
pub(super) struct TransactionList {
    transactions: Vec<ListedTransaction>,
    /// The `cursor` of the next page, if there is one.
    #[schema(required = false)]
    next_cursor: String,
}

/// One of a sender's transactions.
#[derive(ToSchema)]
pub(super) struct ListedTransaction {
    /// The URI of the transaction.
    uri: String,
    /// When it was created.
    #[schema(format = "date-time")]
    created: String,
    #[serde(flatten)]
    transaction: Transaction,
}
