//! Explanations, for operators.

#![allow(dead_code, reason = "the types stand for their schemas")]

use serde_json::{Map, Value};
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, ResponseBuilder, path::OperationBuilder},
};

use super::{
    about,
    operations::{JSON, content, json, operation, refused},
    transaction::Response,
};

/// A message to be explained.
#[derive(ToSchema)]
pub(super) struct Explain {
    /// On whose behalf it is sent: the name of a sender.
    sender: String,
    /// A tag of that sender.
    #[schema(required = false)]
    tag: String,
    /// The reverse-path; empty for the null reverse-path.
    #[schema(example = "alice@example.com")]
    mail_from: String,
    /// The forward-paths.
    #[schema(min_items = 1, max_items = 100)]
    rcpt_to: Vec<String>,
    /// The client's address.
    #[schema(required = false, example = "192.0.2.1")]
    ip: String,
    /// The user as whom the client has authenticated.
    #[schema(required = false)]
    identity: String,
    /// The name that the client gives in EHLO.
    #[schema(required = false)]
    helo: String,
    /// Whether the client uses TLS. Default: false.
    #[schema(required = false)]
    tls: bool,
    /// The message, with CRLF line ends. Default: a short one.
    #[schema(required = false)]
    message: String,
}

/// What would happen to a message.
#[derive(ToSchema)]
pub(super) struct Explanation {
    mail: Response,
    /// The replies to RCPT, in the order of the recipients.
    recipients: Vec<Response>,
    /// The reply to the message, if it gets that far.
    #[schema(required = false)]
    message: Response,
    /// The chains that it passes: first the sender's, then those of its parts and copies.
    passages: Vec<Passage>,
    /// Addresses to which filters would have connected; no connection was made.
    #[schema(required = false)]
    not_connected: Vec<String>,
}

/// The passage of a message, or of a part or copy of it, through a chain.
#[derive(ToSchema)]
pub(super) struct Passage {
    sender: String,
    #[schema(required = false)]
    tag: String,
    chain: String,
    /// The names of the chain's filters.
    filters: Vec<String>,
    /// What happens, in order.
    notes: Vec<ExplanationNote>,
    /// What the filters have found out by the end.
    filter_output: Map<String, Value>,
    /// The passage of which this is one recipient's part, counted from 0.
    #[schema(required = false)]
    part_of: u32,
    /// The passage of which this is a copy, counted from 0.
    #[schema(required = false)]
    copy_of: u32,
}

/// A step. Beside its `phase` it has a member that says what happens, for example `rule`, `signal`,
/// `refused` or `goes`.
#[derive(ToSchema)]
pub(super) struct ExplanationNote {
    phase: ExplanationPhase,
    /// The recipient, with the phase `rcpt`.
    #[schema(required = false)]
    rcpt_to: String,
    /// The filter that does it, if known.
    #[schema(required = false)]
    filter: String,
    /// A rule that was evaluated.
    #[schema(required = false)]
    rule: Map<String, Value>,
    /// A signal that is set.
    #[schema(required = false)]
    signal: Map<String, Value>,
    /// The reverse-path from here on.
    #[schema(required = false)]
    reverse_path: String,
    /// The forward-path from here on.
    #[schema(required = false)]
    forward_path: String,
    #[schema(required = false)]
    refused: Response,
    /// The message gets this reply, and goes no further.
    #[schema(required = false)]
    answered: Response,
    /// Header fields that were added to the message.
    #[schema(required = false)]
    added: Vec<String>,
    /// Header fields that were removed from the message.
    #[schema(required = false)]
    removed: Vec<String>,
    /// The server that the filter would ask; the following steps are as if the filter were absent.
    #[schema(required = false)]
    would_ask: String,
    /// Where the message goes: `by` `smtp` or `lmtp` to `hosts`, or by `rest` or `webhook` to a `url`.
    #[schema(required = false)]
    goes: Map<String, Value>,
    /// Why the message goes nowhere.
    #[schema(required = false)]
    goes_nowhere: Response,
    /// The message would be kept and tried again later.
    #[schema(required = false)]
    kept: Response,
}

#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum ExplanationPhase {
    Mail,
    Rcpt,
    Header,
    End,
}

/// Adds the route.
pub(super) fn add(mut add: impl FnMut(&str, HttpMethod, OperationBuilder)) {
    let explained = ResponseBuilder::new()
        .description("what would become of it")
        .content(JSON, content::<Explanation>());
    let explain = operation(&about::EXPLAIN, &[])
        .request_body(Some(json::<Explain>()))
        .response("200", explained.build());
    let refusals = &[400, 401, 403, 404, 408, 413, 415, 429, 500, 503];
    add("/explain", HttpMethod::Post, refused(explain, refusals));
}
