//! `GET /events?cursor=&limit=&type=&sender=`: one page as JSON, or a stream of server-sent events
//! that does not end.

mod stream;

use std::time::Duration;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header::ACCEPT},
    response::IntoResponse,
};
use koukan_core::{
    resource::{Caller, ReadEvents, Refusal},
    storage::record::EventKind,
};

use crate::{
    schema::events_to_json,
    server::{answer::json_of, connections::Draining, field::wait, shared::Shared},
};

use super::{
    Answer,
    parameters::{Pairs, Parameters},
};

const PARAMETERS: [&str; 4] = ["cursor", "limit", "type", "sender"];
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const EVENT_STREAM: &str = "text/event-stream";

pub(super) async fn read(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    query: Pairs,
    request: Request,
) -> Answer {
    let mut read = read_of(Parameters::alone(query, &PARAMETERS)?)?;
    let headers = request.headers();
    if !wants_stream(headers) {
        let wait = wait::of(request.uri(), headers, shared.settings.max_wait)?;
        read.wait = wait.map_or(Duration::ZERO, |wait| wait.time);
        let page = shared.ask_events(caller, read).await?;
        return Ok(json_of(&events_to_json(&page)));
    }
    if let Some(last) = headers.get(LAST_EVENT_ID) {
        let last = last.to_str();
        let last = last.map_err(|_| Refusal::malformed("not visible ASCII").at("Last-Event-ID"))?;
        read.cursor = Some(last.trim().into());
    }
    let draining = request.extensions().get::<Draining>().cloned();
    let stream = stream::of(shared, caller, read, draining).await?;
    Ok(stream.into_response())
}

/// Whether the client asks for server-sent events explicitly, and does not just accept anything.
fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.flat_map(|text| text.split(',')).any(|range| {
        let (media_type, _) = range.split_once(';').unwrap_or((range, ""));
        media_type.trim().eq_ignore_ascii_case(EVENT_STREAM)
    })
}

/// What the query asks for.
fn read_of(mut parameters: Parameters) -> Result<ReadEvents, Refusal> {
    let kinds = parameters.take("type").unwrap_or_default();
    let kinds = kinds
        .split(',')
        .filter(|word| !word.is_empty())
        .map(|word| {
            EventKind::of_word(word).ok_or_else(|| {
                let known: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
                Refusal::malformed(format!("not one of {}", known.join(", "))).at("type")
            })
        });
    Ok(ReadEvents {
        kinds: kinds.collect::<Result<_, _>>()?,
        cursor: parameters.take("cursor").map(Into::into),
        sender: parameters.take("sender").map(Into::into),
        limit: parameters.positive("limit")?.unwrap_or_default(),
        wait: Duration::ZERO,
    })
}
