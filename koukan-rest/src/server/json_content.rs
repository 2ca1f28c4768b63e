//! JSON that comes with a request.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use koukan_core::resource::{Refusal, RefusalKind};
use serde_json::Value;
use tokio::time::timeout;

use crate::schema::json::{self, InvalidJson};

use super::{ServerSettings, field::content_type::expect_json, problem::Problem};

/// Reads what `of` makes of the JSON document of a request. The document itself, which may take
/// many times the memory, is gone before anything is waited for.
pub(super) async fn read<T>(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
    of: impl FnOnce(Value) -> Result<T, Refusal>,
) -> Result<T, Problem> {
    expect_json(headers)?;
    let octets = octets(headers, body, settings).await?;
    Ok(of(parse(&octets, settings)?)?)
}

/// As [`read`], but nothing at all, neither content nor its type, is `None`.
pub(super) async fn read_any<T>(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
    of: impl FnOnce(Value) -> Result<T, Refusal>,
) -> Result<Option<T>, Problem> {
    if headers.contains_key(axum::http::header::CONTENT_TYPE) {
        return read(headers, body, settings, of).await.map(Some);
    }
    if octets(headers, body, settings).await?.is_empty() {
        return Ok(None);
    }
    expect_json(headers)?;
    Ok(None)
}

fn parse(octets: &[u8], settings: &ServerSettings) -> Result<Value, Refusal> {
    json::parse(octets, settings.max_json_values).map_err(|error| {
        let kind = match &error {
            InvalidJson::TooManyValues(_) => RefusalKind::TooLarge,
            InvalidJson::Syntax(_) => RefusalKind::Malformed,
        };
        Refusal::new(kind, format!("the content {error}"))
    })
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
