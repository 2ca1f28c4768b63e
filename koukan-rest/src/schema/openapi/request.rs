//! What a client says of a transaction.

#![allow(dead_code, reason = "the types stand for their schemas")]

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use super::message::MessageSpec;

/// A transaction to be made.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[schema(required = false)]
    sender: Sender,
    /// The SMTP client; or the host to send to, where it is a gateway that is asked.
    #[schema(required = false)]
    remote_host: Host,
    /// The address that the SMTP client connected to.
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
    /// When it is sent at the earliest; what has passed is now.
    #[schema(required = false)]
    send_at: SendAt,
    /// What filters found out, by their names; believed from a trusted peer only. `trace_id` is the id
    /// by which the message is known in logs.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
}

/// When a message is sent at the earliest.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum SendAt {
    Time(SendTime),
    Seconds(SendSeconds),
}

/// A time, as RFC 3339 has it.
#[derive(ToSchema)]
#[schema(format = "date-time", example = "2030-01-31T12:00:00Z")]
pub(super) struct SendTime(String);

/// Seconds since 1970.
#[derive(ToSchema)]
#[schema(minimum = 1000000000, example = 1900000000)]
pub(super) struct SendSeconds(i64);

/// What is added to a transaction that is made step by step; nothing at all tells that the
/// originator is still there.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Append {
    #[schema(required = false)]
    mail_from: Mailbox,
    #[schema(required = false)]
    rcpt_to: Recipients,
    /// The position in the transaction of the first of `rcpt_to`.
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
    /// What filters found out, by their names; believed from a trusted peer only. `trace_id` is the id
    /// by which the message is known in logs.
    #[schema(required = false)]
    filter_output: BTreeMap<String, Value>,
}

/// Enables retries, as often as the server is configured to.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Retry {}

/// Enables notifications.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct Notification {
    /// Other programs name one; it says nothing here.
    #[schema(required = false)]
    host: String,
}

/// Which of the sender's chains the mail goes through.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sender {
    /// The sender that the path names, which need not be said again.
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

/// Facts of the SMTP session; believed only from a trusted peer. `null` is what is not known.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
struct SmtpMeta {
    /// How the client named itself.
    #[schema(required = false, min_length = 1)]
    ehlo_host: Option<String>,
    /// Whether it said EHLO.
    #[schema(required = false)]
    esmtp: Option<bool>,
    /// Whether the connection had TLS.
    #[schema(required = false)]
    tls: Option<bool>,
    /// Whether the client authenticated itself.
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
    /// The value, where there is one.
    #[schema(example = "1000", required = false, pattern = "^[^= ]+$")]
    p: String,
}

/// An ESMTP parameter by other names.
#[derive(ToSchema)]
#[schema(deprecated)]
#[serde(deny_unknown_fields)]
struct LongParameter {
    /// The keyword.
    #[schema(pattern = "^[0-9A-Za-z][0-9A-Za-z-]*$")]
    keyword: String,
    /// The value, where there is one.
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

/// Where the message comes from; left out where it is to be uploaded.
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
