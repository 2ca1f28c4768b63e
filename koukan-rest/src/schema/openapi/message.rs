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
}

/// The name and the value of a header field.
#[derive(ToSchema)]
#[schema(min_items = 2, example = json!(["subject", "hello"]))]
struct Header((String, HeaderValue));

/// The value of a header field, by its name.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum HeaderValue {
    /// Of from, to, cc, bcc, reply-to and sender.
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

/// Where the content of a part comes from.
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
enum Content {
    /// Text.
    Inline(String),
    /// A blob to be uploaded: to `/transactions/T/blob/ID`.
    CreateId(String),
    /// A finished blob of an earlier transaction: `/transactions/T/blob/ID`.
    ReuseUri(String),
}

/// A node of a tree of MIME parts.
#[derive(ToSchema)]
struct Node {
    content_type: String,
    #[schema(required = false)]
    headers: Vec<Header>,
    #[schema(required = false, no_recursion)]
    parts: Vec<Node>,
    #[schema(required = false)]
    content: Content,
    /// Whatever else is known of it.
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}
