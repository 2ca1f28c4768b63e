//! Refusals as HTTP: the status and problem details.
//!
//! *Source*: RFC 9457.

mod read;

pub use self::read::from_response;

use http::StatusCode;
use koukan_core::resource::{Refusal, RefusalKind};
use serde_json::{Value, json};

/// The media type of problem details.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The HTTP status for a kind of refusal.
pub fn status(kind: &RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Malformed => StatusCode::BAD_REQUEST,
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Gone => StatusCode::GONE,
        RefusalKind::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        RefusalKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalKind::WrongContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RefusalKind::WrongRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        RefusalKind::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        RefusalKind::VersionMissing => StatusCode::PRECONDITION_REQUIRED,
        RefusalKind::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Elsewhere(_) => StatusCode::PERMANENT_REDIRECT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Writes the problem details of a refusal.
///
/// *Shape*: the `detail` begins with the field at fault, if there is one, as in `rcpt_to[0].m: is
/// missing`; the extension member `field` holds only the field.
pub fn to_json(refusal: &Refusal) -> Value {
    let status = status(&refusal.kind);
    let mut problem = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": refusal.to_string(),
    });
    if let Some(field) = &refusal.field {
        problem["field"] = json!(field);
    }
    problem
}
