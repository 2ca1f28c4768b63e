//! Explanations, for those who operate the agent.

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

/// A message as it might come.
#[derive(ToSchema)]
pub(super) struct Explain {
    /// On whose behalf: the name of a sender.
    sender: String,
    /// One of its tags.
    #[schema(required = false)]
    tag: String,
    /// The reverse-path; an empty text for the null one.
    #[schema(example = "alice@example.com")]
    mail_from: String,
    /// The forward-paths.
    #[schema(min_items = 1, max_items = 100)]
    rcpt_to: Vec<String>,
    /// The client's address.
    #[schema(required = false, example = "192.0.2.1")]
    ip: String,
    /// Who the client has authenticated itself as.
    #[schema(required = false)]
    identity: String,
    /// How the client names itself in EHLO.
    #[schema(required = false)]
    helo: String,
    /// Whether it speaks by TLS. Default: false.
    #[schema(required = false)]
    tls: bool,
    /// The message, with CRLF. Default: a short one.
    #[schema(required = false)]
    message: String,
}

/// What would become of a message.
#[derive(ToSchema)]
pub(super) struct Explanation {
    mail: Response,
    /// The replies to RCPT, in their order.
    recipients: Vec<Response>,
    /// The reply to the message, where it would be asked for.
    #[schema(required = false)]
    message: Response,
    /// The chains that it passes: first that of the sender, then those of its parts and copies.
    passages: Vec<Passage>,
    /// Addresses that filters would have connected to, and did not.
    #[schema(required = false)]
    not_connected: Vec<String>,
}

/// A message, a part or a copy of it passes a chain.
#[derive(ToSchema)]
pub(super) struct Passage {
    sender: String,
    #[schema(required = false)]
    tag: String,
    chain: String,
    /// The names of the chain's filters.
    filters: Vec<String>,
    /// What happens, in that order.
    notes: Vec<ExplanationNote>,
    /// What filters have found out at the end.
    filter_output: Map<String, Value>,
    /// Of which passage, from 0 on, it is the part of one recipient.
    #[schema(required = false)]
    part_of: u32,
    /// Of which it is a copy.
    #[schema(required = false)]
    copy_of: u32,
}

/// Something that happens: beside its `phase` it has what it is called by, such as `rule`, `signal`, `refused`
/// or `goes`.
#[derive(ToSchema)]
pub(super) struct ExplanationNote {
    phase: ExplanationPhase,
    /// The recipient, with the phase `rcpt`.
    #[schema(required = false)]
    rcpt_to: String,
    /// Which filter does it, as far as that is known.
    #[schema(required = false)]
    filter: String,
    /// A rule that was looked at.
    #[schema(required = false)]
    rule: Map<String, Value>,
    /// A signal that is set.
    #[schema(required = false)]
    signal: Map<String, Value>,
    /// The reverse-path that it has from here on.
    #[schema(required = false)]
    reverse_path: String,
    /// The forward-path that it has from here on.
    #[schema(required = false)]
    forward_path: String,
    #[schema(required = false)]
    refused: Response,
    /// It is answered so, and goes no further.
    #[schema(required = false)]
    answered: Response,
    /// Header fields that the message has got.
    #[schema(required = false)]
    added: Vec<String>,
    /// Header fields that it has lost.
    #[schema(required = false)]
    removed: Vec<String>,
    /// Whom the filter would ask; what follows is as if the filter was not there.
    #[schema(required = false)]
    would_ask: String,
    /// Where it goes: `by` `smtp` or `lmtp` to `hosts`, by `rest` or `webhook` to a `url`.
    #[schema(required = false)]
    goes: Map<String, Value>,
    /// Why it goes nowhere.
    #[schema(required = false)]
    goes_nowhere: Response,
    /// It would be kept and tried again later.
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
