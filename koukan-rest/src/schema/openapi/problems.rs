//! What can go wrong, by status.

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
    /// The field at fault, where it is one.
    #[schema(required = false, example = "rcpt_to[0].m")]
    field: String,
}

/// Each status, what it means, and the header field that comes with it.
const PROBLEMS: [(u16, &str, Option<&str>); 17] = [
    (
        308,
        "another replica works on the transaction: repeat the request there",
        Some("Location"),
    ),
    (400, "malformed, or not allowed here", None),
    (
        401,
        "no token, or one that is not known",
        Some("WWW-Authenticate"),
    ),
    (403, "of another sender", None),
    (404, "no such sender, transaction or blob", None),
    (408, "the content did not come in time", None),
    (409, "written before, with another value", None),
    (410, "what comes after the cursor is no longer kept", None),
    (412, "If-Match is not the current version", None),
    (413, "larger than it may be", None),
    (415, "content of another type than is wanted", None),
    (
        416,
        "the range does not go on where the blob ends",
        Some("Content-Range"),
    ),
    (422, "the idempotency key is that of another request", None),
    (428, "If-Match is missing", None),
    (429, "over a limit", Some("Retry-After")),
    (500, "something broke", None),
    (503, "overloaded, or stopping", Some("Retry-After")),
];

/// Adds a response for each.
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

/// The response of a status that is a problem.
pub(super) fn response(status: u16) -> Ref {
    Ref::from_response_name(name(status))
}

/// *Shape*: as in `BadRequest`.
fn name(status: u16) -> String {
    let status = StatusCode::from_u16(status).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    reason.unwrap_or_default().replace(' ', "")
}
