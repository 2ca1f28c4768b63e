//! What a reader sees.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A transaction. What was requested comes back as `{}`: the server has it.
#[derive(ToSchema)]
pub(super) struct Transaction {
    #[schema(required = false)]
    sender: Map<String, Value>,
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
    final_attempt_reason: String,
    /// Transient failures are retried.
    #[schema(required = false)]
    retry: Map<String, Value>,
    /// Final failures are told to the reverse-path.
    #[schema(required = false)]
    notification: Map<String, Value>,
    /// It was given up.
    #[schema(required = false)]
    cancelled: bool,
    /// Signals, by filter.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
}

/// An SMTP reply.
#[derive(ToSchema)]
struct Response {
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
struct ListedTransaction {
    /// Where it is.
    uri: String,
    /// When it was made.
    #[schema(format = "date-time")]
    created: String,
    #[serde(flatten)]
    transaction: Transaction,
}
