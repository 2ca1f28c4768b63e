//! Messages in parts.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

/// A message to be built: mixed( related( alternative(text_body), related_attachments ),
/// file_attachments ).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageSpec {
    #[schema(required = false)]
    headers: Vec<Header>,
    /// Alternatives, in order of increasing preference.
    #[schema(required = false)]
    text_body: Vec<Part>,
    #[schema(required = false)]
    related_attachments: Vec<Part>,
    #[schema(required = false)]
    file_attachments: Vec<Part>,
    /// Of a message that was parsed; ignored.
    #[schema(required = false)]
    parts: Node,
}

/// A message that was parsed.
#[derive(ToSchema)]
pub(super) struct ParsedMessage {
    #[schema(required = false)]
    headers: Vec<Header>,
    #[schema(required = false)]
    text_body: Vec<Part>,
    #[schema(required = false)]
    related_attachments: Vec<Part>,
    #[schema(required = false)]
    file_attachments: Vec<Part>,
    #[schema(required = false)]
    parts: Node,
    /// Of a notification: what became of which recipient.
    #[schema(required = false)]
    delivery_status: DeliveryStatus,
}

/// What a message/delivery-status says: RFC 3464. Only what it says is there. The usual types
/// (`rfc822`, `dns`, `smtp`) are left out, others stay before a semicolon.
#[derive(ToSchema)]
pub(super) struct DeliveryStatus {
    #[schema(required = false)]
    reporting_mta: String,
    #[schema(required = false)]
    original_envelope_id: String,
    #[schema(required = false)]
    dsn_gateway: String,
    #[schema(required = false)]
    received_from_mta: String,
    #[schema(required = false)]
    arrival_date: DateOrText,
    recipients: Vec<RecipientStatus>,
}

/// What became of a recipient.
#[derive(ToSchema)]
pub(super) struct RecipientStatus {
    /// The address as it was given.
    #[schema(required = false)]
    original_recipient: String,
    /// The address to which it was tried to deliver.
    #[schema(required = false)]
    final_recipient: String,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    #[schema(required = false, example = "failed")]
    action: String,
    /// An enhanced status code: RFC 3463.
    #[schema(required = false, example = "5.1.1")]
    status: String,
    /// What the remote host said.
    #[schema(required = false, example = "550 5.1.1 no such user")]
    diagnostic: String,
    #[schema(required = false)]
    remote_mta: String,
    #[schema(required = false)]
    last_attempt_date: DateOrText,
    #[schema(required = false)]
    will_retry_until: DateOrText,
    #[schema(required = false)]
    final_log_id: String,
    #[schema(required = false)]
    localized_diagnostic: String,
}

/// A date, or what was written in its place.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum DateOrText {
    /// A date.
    Date(Date),
    /// What is none.
    Text(String),
}

/// The name and the value of a header field.
#[derive(ToSchema)]
#[schema(min_items = 2, example = json!(["subject", "hello"]))]
struct Header((String, HeaderValue));

/// The value of a header field, by its name.
#[derive(ToSchema)]
#[schema(title = "HeaderValue")]
#[serde(untagged)]
pub(super) enum HeaderValue {
    /// Of from, to, cc, bcc, reply-to and sender; of resent-to and others of that kind too.
    Addresses(Vec<Address>),
    /// Of date.
    Date(Date),
    /// Of message-id, in-reply-to and references, without `<` and `>`.
    Ids(Vec<String>),
    /// Of content-type and content-disposition of a parsed message.
    WithParameters(WithParameters),
    /// Of any other.
    Text(String),
}

/// An address in a header field.
#[derive(ToSchema)]
pub(super) struct Address {
    #[schema(required = false)]
    display_name: String,
    #[schema(example = "alice@example.com")]
    address: String,
}

/// A date in a header field.
#[derive(ToSchema)]
pub(super) struct Date {
    /// Seconds since 1970, UTC.
    unix_secs: i64,
    /// Seconds east of UTC.
    #[schema(required = false)]
    tz_offset: i32,
}

/// A value, and its parameters.
#[derive(ToSchema)]
#[schema(min_items = 2)]
pub(super) struct WithParameters((String, BTreeMap<String, String>));

/// A part of a message.
#[derive(ToSchema)]
struct Part {
    #[schema(example = "text/plain")]
    content_type: String,
    /// Without `<` and `>`.
    #[schema(required = false)]
    content_id: String,
    #[schema(required = false)]
    filename: String,
    content: Content,
}

/// Where the content of a part comes from: exactly one of these; or `reuse_uri` with `create_id`,
/// which is its name in this transaction then.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Text.
    #[schema(required = false)]
    inline: String,
    /// Octets, RFC 4648 section 4.
    #[schema(required = false, content_encoding = "base64")]
    base64: String,
    /// A blob to be uploaded: to `/transactions/T/blob/ID`.
    #[schema(required = false)]
    create_id: String,
    /// A finished blob of an earlier transaction: `/transactions/T/blob/ID`.
    #[schema(required = false)]
    reuse_uri: String,
}

/// A node of a tree of MIME parts.
#[derive(ToSchema)]
struct Node {
    content_type: String,
    #[schema(required = false)]
    headers: Vec<Header>,
    /// Of a multipart. An attached message has its own tree here, beside its content.
    #[schema(required = false, no_recursion)]
    parts: Vec<Node>,
    #[schema(required = false)]
    content: Content,
    /// The octets of a text as they were, where its charset does not have all of them.
    #[schema(required = false)]
    original: Content,
    /// Of a message/delivery-status.
    #[schema(required = false)]
    delivery_status: DeliveryStatus,
    /// What stands before the first part, or before encoded text.
    #[schema(required = false)]
    preamble: String,
    /// What stands after the last part, or after encoded text.
    #[schema(required = false)]
    epilogue: String,
    /// What stands behind the delimiter before the part.
    #[schema(required = false)]
    padding: String,
    /// A first line `From …`, of the mbox that the message was in.
    #[schema(required = false)]
    mbox_from: String,
    /// Whatever else is known of it.
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}
