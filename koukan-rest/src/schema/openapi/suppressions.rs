//! Suppressed addresses, for operators.

#![allow(dead_code, reason = "the types stand for their schemas")]

use utoipa::{
    ToSchema,
    openapi::{HttpMethod, ResponseBuilder, path::OperationBuilder},
};

use super::{
    about,
    operations::{JSON, content, operation, refused},
};

/// Suppressed addresses, sorted.
#[derive(ToSchema)]
pub(super) struct SuppressionList {
    suppressions: Vec<Suppression>,
    /// The `cursor` of the next page, if there is one.
    #[schema(required = false)]
    next_cursor: String,
}

/// A suppressed address: a sender sends nothing to it for a while, because it was found to be bad.
#[derive(ToSchema)]
pub(super) struct Suppression {
    #[schema(example = "bob@example.com")]
    address: String,
    /// The reply that showed it, or the words of the operator who added it.
    #[schema(example = "550 5.1.1 no such user")]
    reason: String,
    #[schema(format = "date-time")]
    since: String,
    #[schema(format = "date-time")]
    until: String,
}

/// Adds the routes.
pub(super) fn add(mut add: impl FnMut(&str, HttpMethod, OperationBuilder)) {
    let refusals = &[400, 401, 403, 404, 429, 500, 503];
    let listed = ResponseBuilder::new()
        .description("some of them")
        .content(JSON, content::<SuppressionList>());
    let list = operation(&about::LIST_SUPPRESSIONS, &["sender", "limit", "cursor"]);
    let list = list.response("200", listed.build());
    let all = "/senders/{sender}/suppressions";
    add(all, HttpMethod::Get, refused(list, refusals));
    for (method, about, parameters, text) in [
        (
            HttpMethod::Get,
            &about::SHOW_SUPPRESSION,
            &["sender", "address"][..],
            "the address",
        ),
        (
            HttpMethod::Put,
            &about::KEEP_SUPPRESSION,
            &["sender", "address", "reason"],
            "the address as it is then",
        ),
        (
            HttpMethod::Delete,
            &about::REMOVE_SUPPRESSION,
            &["sender", "address"],
            "the address as it was",
        ),
    ] {
        let shown = ResponseBuilder::new()
            .description(text)
            .content(JSON, content::<Suppression>());
        let operation = operation(about, parameters).response("200", shown.build());
        add(
            &format!("{all}/{{address}}"),
            method,
            refused(operation, refusals),
        );
    }
}
