//! Destinations, for operators.

#![allow(dead_code, reason = "the types stand for their schemas")]

use utoipa::{
    ToSchema,
    openapi::{HttpMethod, ResponseBuilder, path::OperationBuilder},
};

use super::{
    about,
    operations::{JSON, content, operation, refused},
    transaction::Response,
};

/// Some destinations: suspended ones first, then those with the most queued transactions.
#[derive(ToSchema)]
pub(super) struct DestinationList {
    destinations: Vec<Destination>,
    /// Whether there are more.
    is_cut: bool,
}

/// The state of a destination.
#[derive(ToSchema)]
pub(super) struct Destination {
    /// The domain; or the host and port, where the transaction names a host.
    #[schema(example = "example.com")]
    name: String,
    state: DestinationState,
    /// Unfinished transactions whose recipients all go there.
    queued: u64,
    /// Those of them that are being attempted.
    active: u64,
    /// Those that are held individually.
    held: u64,
    /// Those that are due for an attempt.
    due: u64,
    /// When the next of the others is due.
    #[schema(required = false, format = "date-time")]
    next_attempt: String,
    /// When the last attempt of a queued transaction ended.
    #[schema(required = false, format = "date-time")]
    last_attempt: String,
    /// The host that sent the last reply in that attempt, by the name that was connected to.
    #[schema(required = false, example = "mx.example.com")]
    last_host: String,
    /// The last reply.
    #[schema(required = false)]
    last_response: Response,
    #[schema(required = false)]
    suspended: DestinationSuspended,
    #[schema(required = false)]
    down: DestinationDown,
    #[schema(required = false)]
    limits: DestinationLimits,
}

/// Whether attempts are made: none while it is `suspended`, one at a time while its hosts are `down`.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum DestinationState {
    Suspended,
    Down,
    Up,
}

/// No attempt is made until the destination is resumed.
#[derive(ToSchema)]
struct DestinationSuspended {
    #[schema(format = "date-time")]
    since: String,
    /// The name of a token, or an address.
    by: String,
}

/// The hosts of the destination do not answer.
#[derive(ToSchema)]
struct DestinationDown {
    #[schema(format = "date-time")]
    since: String,
    /// When they are tried again.
    #[schema(format = "date-time")]
    until: String,
    hosts: Vec<String>,
}

/// The limits of the destination's host: the host of that name, or the one that was connected to last.
#[derive(ToSchema)]
struct DestinationLimits {
    /// The host and its port.
    host: String,
    /// Connections that are allowed at the moment; for a while less than `max_connections` after
    /// the host has refused one.
    connections: u64,
    /// The most connections of each endpoint to the host: the share of the replica that answers.
    max_connections: u64,
    /// The most connections of each endpoint to the host, for all replicas together.
    max_connections_of_all: u64,
    /// The share of the replica that answers.
    #[schema(required = false)]
    rate: DestinationRate,
    /// The rate of all replicas together.
    #[schema(required = false)]
    rate_of_all: DestinationRate,
}

/// The most messages in a time, as a fraction in lowest terms.
#[derive(ToSchema)]
struct DestinationRate {
    messages: u64,
    seconds: f64,
}

/// Adds the routes.
pub(super) fn add(mut add: impl FnMut(&str, HttpMethod, OperationBuilder)) {
    let listed = ResponseBuilder::new()
        .description("some of them")
        .content(JSON, content::<DestinationList>());
    let list = operation(&about::LIST_DESTINATIONS, &["limit"]).response("200", listed.build());
    let list = refused(list, &[400, 401, 403, 429, 500, 503]);
    add("/destinations", HttpMethod::Get, list);
    let one = |about, text: &str| {
        let shown = ResponseBuilder::new()
            .description(text)
            .content(JSON, content::<Destination>());
        let operation = operation(about, &["name"]).response("200", shown.build());
        refused(operation, &[400, 401, 403, 404, 429, 500, 503])
    };
    let show = one(&about::SHOW_DESTINATION, "the destination");
    add("/destinations/{name}", HttpMethod::Get, show);
    for (action, about) in &about::DESTINATION_CHANGES {
        let change = one(about, "the destination as it is then");
        let path = format!("/destinations/{{name}}/{action}");
        add(&path, HttpMethod::Post, refused(change, &[409]));
    }
}
