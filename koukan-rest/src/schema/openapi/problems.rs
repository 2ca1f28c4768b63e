//! Error responses, by status.

#![allow(dead_code, reason = "the type stands for its schema")]

use http::StatusCode;
use utoipa::{
    ToSchema,
    openapi::{ComponentsBuilder, Ref, ResponseBuilder},
};

use crate::schema::problem::CONTENT_TYPE;

use super::fields;

/// Problem details: RFC 9457.
#[derive(ToSchema)]
pub(super) struct Problem {
    #[schema(example = "about:blank")]
    r#type: String,
    #[schema(example = "Bad Request")]
    title: String,
    #[schema(example = 400)]
    status: u16,
    /// What is wrong and what to change.
    #[schema(example = "rcpt_to[0].m: is missing")]
    detail: String,
    /// The field at fault, if there is one.
    #[schema(required = false, example = "rcpt_to[0].m")]
    field: String,
}

/// Each status, its meaning, and the header field that comes with it.
const PROBLEMS: [(u16, &str, Option<&str>); 17] = [
    (
        308,
        "another replica handles the transaction: repeat the request there",
        Some("Location"),
    ),
    (400, "malformed, or not allowed here", None),
    (401, "no token, or an unknown one", Some("WWW-Authenticate")),
    (
        403,
        "the token is not valid for this sender, or its role does not allow it",
        None,
    ),
    (404, "no such sender, transaction or blob", None),
    (408, "the content did not arrive in time", None),
    (409, "already set to another value", None),
    (410, "the events after the cursor are no longer kept", None),
    (412, "If-Match is not the current version", None),
    (413, "larger than allowed", None),
    (415, "the content is of an unexpected media type", None),
    (
        416,
        "the range does not start where the blob ends",
        Some("Content-Range"),
    ),
    (422, "the idempotency key belongs to another request", None),
    (428, "If-Match is missing", None),
    (429, "over a limit", Some("Retry-After")),
    (500, "internal error", None),
    (503, "overloaded, or stopping", Some("Retry-After")),
];

/// Adds a response for each status.
pub(super) fn add(components: ComponentsBuilder) -> ComponentsBuilder {
    PROBLEMS.iter().fold(components, |components, problem| {
        let (status, description, header) = *problem;
        let response = ResponseBuilder::new().description(description);
        let response = match header {
            Some(name) => response.header_ref(name, fields::header(name)),
            None => response,
        };
        let content = super::operations::content::<Problem>();
        components.response(
            name(status),
            response.content(CONTENT_TYPE, content).build(),
        )
    })
}

/// The response for a status that is a problem.
pub(super) fn response(status: u16) -> Ref {
    Ref::from_response_name(name(status))
}

/// *Shape*: for example `BadRequest`.
fn name(status: u16) -> String {
    let status = StatusCode::from_u16(status).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    reason.unwrap_or_default().replace(' ', "")
}
