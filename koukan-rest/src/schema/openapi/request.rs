//! What a client sends about a transaction.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::message::MessageSpec;

/// A transaction to be created.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[schema(required = false)]
    sender: Sender,
    /// The SMTP client; in a request to a gateway, the host to send to.
    #[schema(required = false)]
    remote_host: Host,
    /// The address to which the SMTP client connected.
    #[schema(required = false)]
    local_host: Host,
    #[schema(required = false)]
    smtp_meta: SmtpMeta,
    #[schema(required = false)]
    mail_from: Mailbox,
    #[schema(required = false)]
    rcpt_to: Recipients,
    #[schema(required = false)]
    body: BodySource,
    /// Enables retries of transient failures.
    #[schema(required = false)]
    retry: Retry,
    /// Enables notifications of final failures to the reverse-path.
    #[schema(required = false)]
    notification: Notification,
    /// The earliest time at which it is sent; a time in the past means now.
    #[schema(required = false)]
    send_at: SendAt,
    /// What filters have found out, by filter; only believed from a trusted peer. `trace_id` is the
    /// id of the message in logs.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
}

/// The earliest time at which a message is sent.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum SendAt {
    Time(SendTime),
    Seconds(SendSeconds),
}

/// A time in the format of RFC 3339.
#[derive(ToSchema)]
#[schema(format = "date-time", example = "2030-01-31T12:00:00Z")]
pub(super) struct SendTime(String);

/// Seconds since 1970.
#[derive(ToSchema)]
#[schema(minimum = 1000000000, example = 1900000000)]
pub(super) struct SendSeconds(i64);

/// What is added to a transaction that is created step by step. An empty object only shows that the
/// originator is still there.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Append {
    #[schema(required = false)]
    mail_from: Mailbox,
    #[schema(required = false)]
    rcpt_to: Recipients,
    /// The position in the transaction of the first recipient in `rcpt_to`.
    #[schema(required = false, minimum = 0)]
    rcpt_to_list_offset: u64,
    #[schema(required = false)]
    body: BodySource,
    /// Enables retries of transient failures.
    #[schema(required = false)]
    retry: Retry,
    /// Enables notifications of final failures to the reverse-path.
    #[schema(required = false)]
    notification: Notification,
    /// What filters have found out, by filter; only believed from a trusted peer. `trace_id` is the
    /// id of the message in logs.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
}

/// Enables retries, as often as the server's configuration says.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Retry {}

/// Enables notifications.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Notification {
    /// Some programs send a host; it is ignored.
    #[schema(required = false)]
    host: String,
}

/// The sender, which decides the chain that the mail passes through.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sender {
    /// The sender that the path names; may be left out.
    #[schema(required = false)]
    name: String,
    #[schema(required = false, min_length = 1)]
    tag: String,
}

/// An IP address or host name, and a TCP port.
#[derive(ToSchema)]
#[schema(min_items = 2, example = json!(["192.0.2.1", 25]))]
pub(super) struct Host((HostName, Port));

/// An IP address without brackets, or a host name.
#[derive(ToSchema)]
#[schema(
    title = "HostName",
    pattern = "^[0-9A-Za-z:]([0-9A-Za-z.:-]*[0-9A-Za-z:])?$"
)]
pub(super) struct HostName(String);

/// A TCP port.
#[derive(ToSchema)]
#[schema(title = "Port", maximum = 65535)]
pub(super) struct Port(u16);

/// Facts of the SMTP session; only believed from a trusted peer. `null` means unknown.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct SmtpMeta {
    /// The name that the client gave.
    #[schema(required = false, min_length = 1)]
    ehlo_host: Option<String>,
    /// Whether the client said EHLO.
    #[schema(required = false)]
    esmtp: Option<bool>,
    /// Whether the connection had TLS.
    #[schema(required = false)]
    tls: Option<bool>,
    /// Whether the client has authenticated.
    #[schema(required = false)]
    auth: Option<bool>,
}

/// An address and its ESMTP parameters.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Mailbox {
    /// The address without `<` and `>`; empty for the null reverse-path.
    #[schema(example = "alice@example.com")]
    m: String,
    #[schema(required = false, min_items = 1)]
    e: Vec<Parameter>,
}

/// An ESMTP parameter.
#[derive(ToSchema)]
#[serde(untagged)]
enum Parameter {
    Short(ShortParameter),
    Long(LongParameter),
}

/// An ESMTP parameter.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ShortParameter {
    /// The keyword.
    #[schema(example = "SIZE", pattern = "^[0-9A-Za-z][0-9A-Za-z-]*$")]
    k: String,
    /// The value, if there is one.
    #[schema(example = "1000", required = false, pattern = "^[^= ]+$")]
    p: String,
}

/// An ESMTP parameter, with other member names.
#[derive(ToSchema)]
#[schema(deprecated)]
#[serde(deny_unknown_fields)]
struct LongParameter {
    /// The keyword.
    #[schema(pattern = "^[0-9A-Za-z][0-9A-Za-z-]*$")]
    keyword: String,
    /// The value, if there is one.
    #[schema(required = false, pattern = "^[^= ]+$")]
    value: String,
}

/// The recipients: a list, or a single one.
#[derive(ToSchema)]
#[serde(untagged)]
enum Recipients {
    List(RecipientList),
    Single(Mailbox),
}

/// At least one recipient.
#[derive(ToSchema)]
#[schema(min_items = 1)]
struct RecipientList(Vec<Mailbox>);

/// Where the message comes from; left out if it is to be uploaded.
#[derive(ToSchema)]
#[serde(untagged)]
enum BodySource {
    Inline(InlineBody),
    ReuseUri(ReusedBody),
    MessageBuilder(BuiltBody),
}

/// An RFC 5322 message.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct InlineBody {
    #[schema(example = "Subject: hi\r\n\r\nhello")]
    inline: String,
}

/// The finished body of an earlier transaction.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct ReusedBody {
    #[schema(example = "/transactions/T/body")]
    reuse_uri: String,
}

/// A message to be built.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct BuiltBody {
    message_builder: Box<MessageSpec>,
}
