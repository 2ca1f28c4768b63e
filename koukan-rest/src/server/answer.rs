//! Turns the service's answers into HTTP responses.

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, LOCATION, VARY},
    },
    response::{IntoResponse, Response},
};
use koukan_core::resource::{Location, ResourceResponse, Uploaded, Version, View};
use serde_json::Value;

use crate::schema::{etag, full_view_to_json, json, listed_to_json, view_to_json};

use super::{base::Base, field::wait::Wait, problem::Problem};

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How the client wants to have transactions shown.
#[derive(Debug)]
pub(super) struct Manner {
    /// The prefix of absolute locations.
    pub(super) base: Base,
    /// Whether the full view is wanted.
    pub(super) is_full: bool,
    /// Whether the request said which octets it carried; the response then says which octets the blob has.
    pub(super) is_ranged: bool,
}

impl Manner {
    fn view(&self, view: &View) -> Value {
        let absolute = |location: &Location| self.base.uri(location);
        match self.is_full {
            true => full_view_to_json(view, absolute),
            false => view_to_json(view, absolute),
        }
    }

    /// Adds the version that is shown, and the header fields on which the choice of the view depends.
    fn tag(&self, response: &mut Response, version: &Version) {
        put(response, ETAG, etag::of_view(version, self.is_full));
        let prefer = HeaderValue::from_static("prefer");
        response.headers_mut().append(VARY, prefer);
    }
}

/// The HTTP response for an answer of the service.
pub(super) fn answer(response: ResourceResponse, manner: &Manner) -> Response {
    let base = &manner.base;
    match response {
        ResourceResponse::Created(created) => {
            let view = manner.view(&created.view);
            let mut response = json_of(&view);
            *response.status_mut() = StatusCode::CREATED;
            put_location(&mut response, base.uri(&created.location));
            manner.tag(&mut response, &created.version);
            if created.is_replayed {
                put_replayed(&mut response);
            }
            response
        }
        ResourceResponse::Current { view, version } => {
            let mut response = json_of(&manner.view(&view));
            manner.tag(&mut response, &version);
            response
        }
        ResourceResponse::Unchanged(version) => unchanged(&version, manner),
        ResourceResponse::Uploaded(uploaded) => {
            let mut response = json_of(&serde_json::json!({}));
            if let Some(range) = range(uploaded).filter(|_| manner.is_ranged) {
                put(&mut response, CONTENT_RANGE, range);
            }
            response
        }
        ResourceResponse::Listed(listed) => {
            json_of(&listed_to_json(&listed, |location| base.uri(location)))
        }
        ResourceResponse::Refused(refusal) => Problem::from(refusal).into_response(),
    }
}

/// 304: the client already has the current version.
pub(super) fn unchanged(version: &Version, manner: &Manner) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    manner.tag(&mut response, version);
    response
}

/// Says that the client's preference was applied, if it had one.
pub(super) fn applied(headers: &mut HeaderMap, wait: Option<Wait>) {
    if let Some(wait) = wait
        && let Some(name) = wait.preference
    {
        let seconds = format!("{name}={}", wait.time.as_secs());
        if let Ok(value) = HeaderValue::try_from(seconds) {
            headers.insert(PREFERENCE_APPLIED, value);
        }
    }
}

pub(super) fn json_of(value: &Value) -> Response {
    let mut response = Response::new(Body::from(json::octets(value)));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// The octets that a blob has; `None` if it has none and its length is unknown.
fn range(uploaded: Uploaded) -> Option<String> {
    let total = uploaded.total.map(|total| total.to_string());
    match uploaded.len.checked_sub(1) {
        Some(last) => {
            let total = total.as_deref().unwrap_or("*");
            Some(format!("bytes 0-{last}/{total}"))
        }
        None => total.map(|total| format!("bytes */{total}")),
    }
}

/// Adds a `Location`.
pub(super) fn put_location(response: &mut Response, location: String) {
    put(response, LOCATION, location);
}

/// Adds the version as an entity tag, for what has only one view.
pub(super) fn put_etag(response: &mut Response, version: &Version) {
    put(response, ETAG, etag::quoted(version));
}

/// Says that the transaction was created by an earlier request.
pub(super) fn put_replayed(response: &mut Response) {
    let yes = HeaderValue::from_static("true");
    response.headers_mut().insert(IDEMPOTENCY_REPLAYED, yes);
}

/// Adds a field; a value that is not allowed in a header field is left out.
fn put(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
