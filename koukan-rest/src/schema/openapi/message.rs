//! Messages as structured parts.

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
    /// Present in parsed messages; ignored here.
    #[schema(required = false)]
    parts: Node,
}

/// A parsed message.
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
    /// In a notification: what happened to each recipient.
    #[schema(required = false)]
    delivery_status: DeliveryStatus,
}

/// The content of a message/delivery-status part: RFC 3464. Fields that it does not have are absent. The usual
/// types (`rfc822`, `dns`, `smtp`) are left out; other types stand before a semicolon.
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

/// What happened to a recipient.
#[derive(ToSchema)]
pub(super) struct RecipientStatus {
    /// The address as it was given.
    #[schema(required = false)]
    original_recipient: String,
    /// The address to which delivery was tried.
    #[schema(required = false)]
    final_recipient: String,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    #[schema(required = false, example = "failed")]
    action: String,
    /// An enhanced status code: RFC 3463.
    #[schema(required = false, example = "5.1.1")]
    status: String,
    /// The reply of the remote host.
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

/// A date; or the text, where it is not a valid date.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum DateOrText {
    /// A date.
    Date(Date),
    /// Text that is not a valid date.
    Text(String),
}

/// The name and the value of a header field.
#[derive(ToSchema)]
#[schema(min_items = 2, example = json!(["subject", "hello"]))]
struct Header((String, HeaderValue));

/// The value of a header field; its form depends on the field's name.
#[derive(ToSchema)]
#[schema(title = "HeaderValue")]
#[serde(untagged)]
pub(super) enum HeaderValue {
    /// For from, to, cc, bcc, reply-to and sender, and for resent-to and the like.
    Addresses(Vec<Address>),
    /// For date.
    Date(Date),
    /// For message-id, in-reply-to and references, without `<` and `>`.
    Ids(Vec<String>),
    /// For content-type and content-disposition of a parsed message.
    WithParameters(WithParameters),
    /// For any other field.
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

/// Where the content of a part comes from: exactly one of these. Only `reuse_uri` may be combined
/// with `create_id`, which is then the blob's name in this transaction.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Text.
    #[schema(required = false)]
    inline: String,
    /// Octets in base 64, RFC 4648 section 4.
    #[schema(required = false, content_encoding = "base64")]
    base64: String,
    /// The id of a blob to be uploaded to `/transactions/T/blob/ID`.
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
    /// For a multipart. An attached message has its own tree here, beside its content.
    #[schema(required = false, no_recursion)]
    parts: Vec<Node>,
    #[schema(required = false)]
    content: Content,
    /// The original octets of a text that has octets outside of its charset.
    #[schema(required = false)]
    original: Content,
    /// For a message/delivery-status.
    #[schema(required = false)]
    delivery_status: DeliveryStatus,
    /// The text before the first part, or before encoded text.
    #[schema(required = false)]
    preamble: String,
    /// The text after the last part, or after encoded text.
    #[schema(required = false)]
    epilogue: String,
    /// The text behind the delimiter before the part.
    #[schema(required = false)]
    padding: String,
    /// A first line `From …`, from an mbox that contained the message.
    #[schema(required = false)]
    mbox_from: String,
    /// Other facts.
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}
