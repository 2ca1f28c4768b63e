//! What a reader sees.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::request::Host;

/// A transaction. What was requested comes back as `{}`: the server has it. Lists are full, and show
/// sender, reverse-path and recipients instead.
#[derive(ToSchema)]
pub(super) struct Transaction {
    /// Its name in the URI; in the full view.
    #[schema(required = false)]
    id: String,
    /// Where it is; in the full view.
    #[schema(required = false)]
    uri: String,
    /// When it was made; in the full view.
    #[schema(required = false, format = "date-time")]
    created: String,
    #[schema(required = false)]
    sender: Map<String, Value>,
    /// As it was given with the create.
    #[schema(required = false)]
    remote_host: Host,
    /// As it was given with the create.
    #[schema(required = false)]
    local_host: Host,
    #[schema(required = false)]
    mail_from: Map<String, Value>,
    #[schema(required = false)]
    rcpt_to: Vec<Map<String, Value>>,
    #[schema(required = false)]
    body: BodyStatus,
    /// The reply to MAIL, of the most recent attempt.
    #[schema(required = false)]
    mail_response: Response,
    /// The replies to RCPT, in the order of `rcpt_to`, up to the first that is still to come.
    #[schema(required = false)]
    rcpt_response: Vec<Response>,
    /// The final reply.
    #[schema(required = false)]
    data_response: Response,
    /// How many attempts have begun.
    #[schema(required = false)]
    attempt_count: u32,
    /// Why nothing more will be tried; set once.
    #[schema(required = false)]
    final_attempt_reason: FinalAttemptReason,
    /// When the next attempt is due; in the full view.
    #[schema(required = false, format = "date-time")]
    next_attempt: String,
    /// When it is or was to be sent at the earliest, where that was said; in the full view.
    #[schema(required = false, format = "date-time")]
    send_at: String,
    /// Transient failures are retried.
    #[schema(required = false)]
    retry: Map<String, Value>,
    /// Final failures are told to the reverse-path.
    #[schema(required = false)]
    notification: Map<String, Value>,
    /// It was given up.
    #[schema(required = false)]
    cancelled: bool,
    /// Signals, by filter; only the full view tells them.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
    /// What has become of each recipient, in the order of `rcpt_to`; in the full view.
    #[schema(required = false)]
    recipients: Vec<Recipient>,
}

/// Why nothing more will be tried.
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

/// What has become of a recipient.
#[derive(ToSchema)]
pub(super) struct Recipient {
    #[schema(example = "bob@example.com")]
    address: String,
    state: RecipientState,
    /// The reply that says so; the most recent one while it is open.
    #[schema(required = false)]
    reply: RecipientReply,
}

/// What has become of a recipient, in a word.
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
    /// The enhanced status code, where there is one.
    #[schema(required = false, example = "5.1.1")]
    enhanced: String,
    /// The enhanced status code, where there is one, and text.
    #[schema(example = "5.1.1 no such user")]
    message: String,
}

/// An SMTP reply.
#[derive(ToSchema)]
pub(super) struct Response {
    #[schema(minimum = 200, maximum = 599, example = 250)]
    code: u16,
    /// The enhanced status code, where there is one, and text.
    #[schema(example = "2.0.0 ok")]
    message: String,
}

/// The message, as far as it is known.
#[derive(ToSchema)]
struct BodyStatus {
    /// The RFC 5322 message.
    #[schema(required = false)]
    blob_status: BlobStatus,
    #[schema(required = false)]
    message_builder: BuilderStatus,
}

/// A blob that is uploaded.
#[derive(ToSchema)]
struct BlobStatus {
    /// Where to PUT it.
    uri: String,
    /// Whether it is complete; absent until it is.
    #[schema(required = false)]
    finalized: bool,
}

/// The message in parts.
#[derive(ToSchema)]
struct BuilderStatus {
    /// Where a receiver wants the parsed message.
    #[schema(required = false)]
    uri: String,
    /// The blobs that it names.
    #[schema(required = false)]
    blob_status: BTreeMap<String, BlobStatus>,
}

/// Some of a sender's transactions, newest first.
#[derive(ToSchema)]
pub(super) struct TransactionList {
    transactions: Vec<ListedTransaction>,
    /// The `cursor` of the next page, where there is one.
    #[schema(required = false)]
    next_cursor: String,
}

/// One of a sender's transactions.
#[derive(ToSchema)]
pub(super) struct ListedTransaction {
    /// Where it is.
    uri: String,
    /// When it was made.
    #[schema(format = "date-time")]
    created: String,
    #[serde(flatten)]
    transaction: Transaction,
}
