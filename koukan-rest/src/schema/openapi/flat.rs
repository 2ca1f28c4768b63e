//! Messages in the flat form.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

use super::{
    problems::Problem,
    request::{SendAt, Sender},
    transaction::{ListedTransaction, Recipient},
};

/// A message to be sent; the envelope is derived from its addresses.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    #[schema(required = false)]
    sender: Sender,
    /// The author. Failures are reported to this address.
    from: MessageAddress,
    /// At least one of to, cc and bcc is required. No address may occur twice.
    #[schema(required = false)]
    to: MessageAddresses,
    #[schema(required = false)]
    cc: MessageAddresses,
    /// Recipients that are not shown in the message.
    #[schema(required = false)]
    bcc: MessageAddresses,
    #[schema(required = false)]
    reply_to: MessageAddresses,
    /// One line.
    #[schema(required = false, example = "hello")]
    subject: String,
    /// At least one of text, html and attachments is required.
    #[schema(required = false, example = "hello, world!")]
    text: String,
    #[schema(required = false)]
    html: String,
    #[schema(required = false, min_items = 1)]
    attachments: Vec<MessageAttachment>,
    /// Other header fields, each of one line.
    #[schema(required = false)]
    headers: BTreeMap<String, String>,
    /// The earliest time at which the message is sent; a time in the past means now.
    #[schema(required = false)]
    send_at: SendAt,
}

/// An address, or an address with a name.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum MessageAddress {
    Plain(PlainAddress),
    Named(NamedAddress),
}

/// Addresses: a list, or a single one.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum MessageAddresses {
    List(MessageAddressList),
    Plain(PlainAddress),
    Named(NamedAddress),
}

/// At least one address.
#[derive(ToSchema)]
#[schema(min_items = 1)]
pub(super) struct MessageAddressList(Vec<MessageAddress>);

/// An address without `<` and `>`.
#[derive(ToSchema)]
#[schema(example = "alice@example.com")]
pub(super) struct PlainAddress(String);

/// An address, and its display name.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedAddress {
    #[schema(example = "alice@example.com")]
    address: String,
    #[schema(required = false, example = "Alice")]
    display_name: String,
}

/// An attachment, with exactly one of base64 and reuse_uri.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageAttachment {
    #[schema(required = false)]
    filename: String,
    /// Default: `application/octet-stream`.
    #[schema(required = false, example = "application/pdf")]
    content_type: String,
    /// The id by which the HTML refers to it, without `<` and `>`.
    #[schema(required = false)]
    content_id: String,
    /// Octets in base 64, RFC 4648 section 4.
    #[schema(required = false, content_encoding = "base64")]
    base64: String,
    /// A finished blob of an earlier transaction: `/transactions/T/blob/ID`.
    #[schema(required = false)]
    reuse_uri: String,
}

/// Several messages, independent of each other.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageBatch {
    #[schema(min_items = 1, max_items = 100)]
    messages: Vec<NewMessage>,
}

/// The results for the messages of a batch, in order.
#[derive(ToSchema)]
pub(super) struct BatchResults {
    results: Vec<BatchResult>,
}

/// The result for a message: the message, or why it was not created.
#[derive(ToSchema)]
pub(super) struct BatchResult {
    /// The status with which the message alone would have been answered.
    #[schema(example = 201)]
    status: u16,
    #[schema(required = false)]
    message: Message,
    #[schema(required = false)]
    problem: Problem,
}

/// A message, which has a transaction for each recipient.
#[derive(ToSchema)]
pub(super) struct Message {
    /// The last segment of its URI.
    id: String,
    /// The URI of the message.
    uri: String,
    /// Whether no further attempt will be made for any recipient.
    finished: bool,
    recipients: Vec<MessageRecipient>,
    /// In the order of the recipients; transactions that are no longer kept are left out.
    transactions: Vec<ListedTransaction>,
}

/// A recipient of a message.
#[derive(ToSchema)]
pub(super) struct MessageRecipient {
    #[serde(flatten)]
    recipient: Recipient,
    /// The URI of its transaction.
    transaction: String,
}
