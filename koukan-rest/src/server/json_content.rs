//! The JSON content of requests.

use axum::{
    body::Body,
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use koukan_core::{
    resource::{Caller, Refusal, RefusalKind},
    shares::{Charge, Client},
};
use serde_json::Value;
use tokio::time::timeout;

use crate::schema::json::{self, InvalidJson};

use super::{ServerSettings, field::content_type::expect_json, problem::Problem, shared::Shared};

/// Reads the JSON document of a request, and converts it with `of`. The document itself, which may
/// take many times the memory of its text, is dropped before anything is awaited. While it arrives,
/// its octets are charged to the client's share.
pub(super) async fn read<T>(
    (shared, caller): (&Shared, &Caller),
    headers: &HeaderMap,
    body: Body,
    of: impl FnOnce(Value) -> Result<T, Refusal>,
) -> Result<T, Problem> {
    let read = read_held((shared, caller), headers, body, of).await;
    read.map(|(read, _)| read)
}

/// Like [`read`], for a result that is kept while the request waits: its octets stay charged until
/// the returned charge is dropped.
pub(super) async fn read_held<T>(
    (shared, caller): (&Shared, &Caller),
    headers: &HeaderMap,
    body: Body,
    of: impl FnOnce(Value) -> Result<T, Refusal>,
) -> Result<(T, Held), Problem> {
    expect_json(headers)?;
    let content = content((shared, caller), headers, body).await?;
    let read = of(parse(&content.octets, &shared.settings)?)?;
    Ok((read, content.charge))
}

/// Like [`read`], but a request with neither content nor content type gives `None`.
pub(super) async fn read_any<T>(
    (shared, caller): (&Shared, &Caller),
    headers: &HeaderMap,
    body: Body,
    of: impl FnOnce(Value) -> Result<T, Refusal>,
) -> Result<Option<T>, Problem> {
    if headers.contains_key(axum::http::header::CONTENT_TYPE) {
        return read((shared, caller), headers, body, of).await.map(Some);
    }
    let content = content((shared, caller), headers, body).await?;
    if content.octets.is_empty() {
        return Ok(None);
    }
    expect_json(headers)?;
    Ok(None)
}

fn parse(octets: &[u8], settings: &ServerSettings) -> Result<Value, Refusal> {
    json::parse_request(octets, settings.max_json_values).map_err(|error| {
        let kind = match &error {
            InvalidJson::TooManyValues(_) => RefusalKind::TooLarge,
            InvalidJson::Syntax(_) | InvalidJson::Ambiguous(_) => RefusalKind::Malformed,
        };
        Refusal::new(kind, format!("the content {error}"))
    })
}

/// A document, and the charge for it.
struct Content {
    octets: Bytes,
    charge: Held,
}

/// The charge for a document; `None` for one without octets.
pub(super) type Held = Option<Charge<Client>>;

async fn content(
    (shared, caller): (&Shared, &Caller),
    headers: &HeaderMap,
    body: Body,
) -> Result<Content, Problem> {
    let settings = &shared.settings;
    let max = settings.max_json;
    let too_large = || {
        let detail = format!(
            "the JSON may have {max} octets at most; upload larger content and share it by `reuse_uri`"
        );
        Refusal::new(RefusalKind::TooLarge, detail)
    };
    if length(headers).is_some_and(|length| length > max as u64) {
        return Err(too_large().into());
    }
    let mut charge = None;
    // Most documents arrive in one piece, which is then not copied.
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    let mut body = Limited::new(body, max);
    let collect = async {
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if error.is::<LengthLimitError>() => return Err(too_large().into()),
                Err(_) => return Err(Refusal::malformed("the content broke off").into()),
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let len = data.len() as u64;
            let is_granted = match &mut charge {
                Some(charge) => Charge::grow(charge, len),
                none => {
                    *none = shared.json.charge(caller.client(), len);
                    none.is_some()
                }
            };
            if !is_granted {
                return Err(Problem::overloaded());
            }
            if first.is_empty() {
                first = data;
                continue;
            }
            if all.is_empty() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        Ok(())
    };
    let collected = timeout(settings.json_timeout, collect).await;
    collected.map_err(|_| Problem::too_slow())??;
    Ok(Content {
        octets: if all.is_empty() { first } else { all.freeze() },
        charge,
    })
}

/// How many octets the client has announced.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
