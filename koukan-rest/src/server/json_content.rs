//! JSON that comes with a request.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use koukan_core::resource::{Refusal, RefusalKind};
use serde_json::Value;
use tokio::time::timeout;

use super::{ServerSettings, field::content_type::expect_json, problem::Problem};

/// Reads the JSON document of a request.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<Value, Problem> {
    expect_json(headers)?;
    parse(&octets(headers, body, settings).await?)
}

/// As [`read`], but nothing at all, neither content nor its type, is `None`.
pub(super) async fn read_any(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<Option<Value>, Problem> {
    if headers.contains_key(axum::http::header::CONTENT_TYPE) {
        return read(headers, body, settings).await.map(Some);
    }
    if octets(headers, body, settings).await?.is_empty() {
        return Ok(None);
    }
    expect_json(headers)?;
    Ok(None)
}

fn parse(octets: &[u8]) -> Result<Value, Problem> {
    let json = serde_json::from_slice(octets);
    let wrong = |error| Refusal::malformed(format!("the content is not JSON: {error}"));
    Ok(json.map_err(wrong)?)
}

async fn octets(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<Bytes, Problem> {
    let max = settings.max_json;
    let too_large = || {
        let detail = format!("the JSON may have {max} octets at most; upload the message instead");
        Refusal::new(RefusalKind::TooLarge, detail)
    };
    if length(headers).is_some_and(|length| length > max as u64) {
        return Err(too_large().into());
    }
    let collected = timeout(settings.json_timeout, Limited::new(body, max).collect()).await;
    match collected.map_err(|_| Problem::too_slow())? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large().into()),
        Err(_) => Err(Refusal::malformed("the content broke off").into()),
    }
}

/// How many octets the client says are to come.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
