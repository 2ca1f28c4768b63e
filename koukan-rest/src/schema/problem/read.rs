//! Reads the refusals of a server.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_RANGE, LOCATION, RETRY_AFTER},
};
use koukan_core::resource::{Location, Refusal, RefusalKind};
use serde_json::Value;

use crate::schema::json::{self, VALUES_MAX};

/// When to try again if the server does not say.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);
/// The latest time to try again, whatever the server says.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Characters of a server's detail that are kept.
const DETAIL_MAX: usize = 500;

/// Makes a refusal from a response that is not a success.
///
/// It is tolerant: if the content is not problem details, the detail is the status.
///
/// *Shape*: only the status decides whether to try again. A 416 only counts as one with a
/// `Content-Range` that has the length; a 307 or 308 only with a `Location`.
pub fn from_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Refusal {
    let kind = kind(status, headers);
    let problem = json::parse(body, VALUES_MAX).unwrap_or_default();
    let text = |name| problem.get(name).and_then(Value::as_str);
    let field = text("field").filter(|field| !field.is_empty());
    let field = field.map(clean);
    let detail = text("detail").or_else(|| text("title")).map(clean);
    let detail = detail.filter(|detail| !detail.is_empty());
    let detail = detail.unwrap_or_else(|| format!("the server answered {status}"));
    let Some(field) = field else {
        return Refusal::new(kind, detail);
    };
    let prefix = format!("{field}: ");
    let detail = match detail.strip_prefix(&prefix) {
        Some(rest) => rest.to_owned(),
        None => detail,
    };
    Refusal::new(kind, detail).at(field)
}

fn kind(status: StatusCode, headers: &HeaderMap) -> RefusalKind {
    let location = || {
        Some(RefusalKind::Elsewhere(Location::new(text(
            headers, LOCATION,
        )?)))
    };
    match status {
        StatusCode::UNAUTHORIZED => RefusalKind::Unauthenticated,
        StatusCode::FORBIDDEN => RefusalKind::Forbidden,
        StatusCode::NOT_FOUND | StatusCode::GONE => RefusalKind::NotFound,
        StatusCode::CONFLICT => RefusalKind::Conflict,
        StatusCode::PRECONDITION_FAILED => RefusalKind::VersionMismatch,
        StatusCode::PAYLOAD_TOO_LARGE => RefusalKind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => RefusalKind::WrongContentType,
        StatusCode::RANGE_NOT_SATISFIABLE => wrong_range(headers).unwrap_or(RefusalKind::Malformed),
        StatusCode::PRECONDITION_REQUIRED => RefusalKind::VersionMissing,
        StatusCode::TOO_MANY_REQUESTS => RefusalKind::TooMany {
            retry_after: retry_after(headers),
        },
        StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::BAD_GATEWAY
        | StatusCode::GATEWAY_TIMEOUT
        | StatusCode::REQUEST_TIMEOUT => RefusalKind::Unavailable {
            retry_after: retry_after(headers),
        },
        StatusCode::PERMANENT_REDIRECT | StatusCode::TEMPORARY_REDIRECT => {
            location().unwrap_or(RefusalKind::Internal)
        }
        status if status.is_client_error() => RefusalKind::Malformed,
        _ => RefusalKind::Internal,
    }
}

/// Reads `bytes */LEN`, or `bytes 0-LAST/TOTAL` as in a successful upload.
fn wrong_range(headers: &HeaderMap) -> Option<RefusalKind> {
    let range = text(headers, CONTENT_RANGE)?;
    let (range, total) = range.strip_prefix("bytes ")?.trim().split_once('/')?;
    let total = total.parse().ok();
    if range == "*" {
        let len = total?;
        return Some(RefusalKind::WrongRange { len, total: None });
    }
    let last: u64 = range.split_once('-')?.1.parse().ok()?;
    let len = last.checked_add(1)?;
    Some(RefusalKind::WrongRange { len, total })
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = text(headers, RETRY_AFTER).and_then(|text| text.trim().parse().ok());
    let after = seconds.map_or(RETRY_AFTER_DEFAULT, Duration::from_secs);
    after.min(RETRY_AFTER_MAX)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Cleans a server's text, so that it cannot fill a log or break its lines.
fn clean(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(DETAIL_MAX).map(visible).collect()
}
