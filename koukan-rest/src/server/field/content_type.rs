//! `Content-Type`: where JSON is expected, it must be JSON.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use koukan_core::resource::{Refusal, RefusalKind};

/// Checks that the content is JSON; parameters are ignored.
///
/// # Errors
///
/// 415 if it is something else, or does not say.
pub(in crate::server) fn expect_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = headers.get(CONTENT_TYPE).map(|value| value.to_str());
    let essence = match text {
        Some(Ok(text)) => text.split(';').next().unwrap_or_default().trim(),
        _ => "",
    };
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the content type must be application/json";
    Err(Refusal::new(RefusalKind::WrongContentType, detail).at("Content-Type"))
}
