//! Refusals: `application/problem+json`.
//!
//! *Source*: RFC 9457. The member `field`, an extension, names the field at fault; `detail` begins
//! with it.

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_RANGE, LOCATION, RETRY_AFTER},
};
use koukan_core::resource::{Location, Refusal, RefusalKind};
use serde_json::{Value, json};

/// The content type.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// How long to wait where a server that is overloaded does not say.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);
/// Characters of a foreign server's `detail` that are kept.
const DETAIL_MAX: usize = 500;

/// The HTTP status of a refusal.
pub fn status(kind: &RefusalKind) -> StatusCode {
    match kind {
        RefusalKind::Malformed => StatusCode::BAD_REQUEST,
        RefusalKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        RefusalKind::Forbidden => StatusCode::FORBIDDEN,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::VersionMismatch => StatusCode::PRECONDITION_FAILED,
        RefusalKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        RefusalKind::WrongContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RefusalKind::WrongRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        RefusalKind::VersionMissing => StatusCode::PRECONDITION_REQUIRED,
        RefusalKind::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        RefusalKind::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Elsewhere(_) => StatusCode::PERMANENT_REDIRECT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Writes a problem.
pub fn to_json(status: StatusCode, detail: &str, field: Option<&str>) -> Value {
    let mut object = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": match field {
            Some(field) => format!("{field}: {detail}"),
            None => detail.to_owned(),
        },
    });
    if let Some(field) = field {
        object["field"] = json!(field);
    }
    object
}

/// Makes a refusal of a response that is no success; headers count, and whatever is of use in the
/// content, which need not be a problem.
pub fn to_refusal(status: StatusCode, headers: &HeaderMap, content: &[u8]) -> Refusal {
    let (detail, field) = read(status, content);
    let refusal = Refusal::new(kind_of(status, headers), detail);
    match field {
        Some(field) => refusal.at(field),
        None => refusal,
    }
}

fn kind_of(status: StatusCode, headers: &HeaderMap) -> RefusalKind {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let retry_after = || {
        let seconds = text(RETRY_AFTER).and_then(|text| text.trim().parse().ok());
        seconds.map_or(RETRY_AFTER_DEFAULT, Duration::from_secs)
    };
    match status.as_u16() {
        301 | 302 | 307 | 308 => match text(LOCATION) {
            Some(location) => RefusalKind::Elsewhere(Location::new(location)),
            None => RefusalKind::Internal,
        },
        401 => RefusalKind::Unauthenticated,
        403 => RefusalKind::Forbidden,
        404 | 410 => RefusalKind::NotFound,
        409 => RefusalKind::Conflict,
        412 => RefusalKind::VersionMismatch,
        413 => RefusalKind::TooLarge,
        415 => RefusalKind::WrongContentType,
        416 => match text(CONTENT_RANGE).and_then(parse_unsatisfied) {
            Some((len, total)) => RefusalKind::WrongRange { len, total },
            None => RefusalKind::Malformed,
        },
        428 => RefusalKind::VersionMissing,
        429 => RefusalKind::TooMany {
            retry_after: retry_after(),
        },
        408 | 502..=504 => RefusalKind::Unavailable {
            retry_after: retry_after(),
        },
        400..=499 => RefusalKind::Malformed,
        _ => RefusalKind::Internal,
    }
}

/// Reads how long a blob is: `bytes */LEN`, or `bytes 0-LAST/TOTAL` where the total is known.
fn parse_unsatisfied(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.trim().split_once('/')?;
    match range {
        "*" => Some((total.parse().ok()?, None)),
        _ => {
            let (_, last) = range.split_once('-')?;
            let last: u64 = last.parse().ok()?;
            Some((last.checked_add(1)?, total.parse().ok()))
        }
    }
}

fn read(status: StatusCode, content: &[u8]) -> (String, Option<String>) {
    let problem: Value = serde_json::from_slice(content).unwrap_or_default();
    let field = problem["field"].as_str().map(str::to_owned);
    let mut detail = problem["detail"].as_str().unwrap_or_default();
    if let Some(field) = &field {
        let rest = detail.strip_prefix(field.as_str());
        detail = rest.and_then(|rest| rest.strip_prefix(": ")).unwrap_or(detail);
    }
    let detail: String = detail.chars().take(DETAIL_MAX).collect();
    if detail.is_empty() {
        let detail = format!("answered with {status}");
        return (detail, field);
    }
    (detail, field)
}
