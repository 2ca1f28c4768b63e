//! Error responses: `application/problem+json`, RFC 9457.

use std::time::Duration;

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use koukan_core::resource::{Refusal, RefusalKind};
use serde_json::{Value, json};

use crate::{
    auth::Denied,
    schema::{json, problem},
};

/// When to try again after too many requests.
const RETRY_AFTER_LOAD: Duration = Duration::from_secs(1);

/// An error response.
#[derive(Debug)]
pub(super) struct Problem {
    refusal: Refusal,
    /// The status, if it is not that of the refusal.
    status: Option<StatusCode>,
    challenge: Option<&'static str>,
}

impl Problem {
    pub(super) fn of_status(status: StatusCode, detail: &'static str) -> Self {
        Self {
            status: Some(status),
            ..Refusal::malformed(detail).into()
        }
    }

    /// There is no such route: 404.
    pub(super) fn no_route() -> Self {
        Refusal::not_found("there is nothing at this path; /openapi.json tells what there is")
            .into()
    }

    /// The route does not accept the method: 405; `Allow` lists the methods that it accepts.
    pub(super) fn wrong_method() -> Self {
        let detail = "the method is not allowed here; Allow tells those that are";
        Self::of_status(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    /// The request is for another host: 421.
    pub(super) fn other_host() -> Self {
        let detail = "Host: this is another server; its configuration lists the names that it has";
        Self::of_status(StatusCode::MISDIRECTED_REQUEST, detail)
    }

    /// The client was too slow: 408.
    pub(super) fn too_slow() -> Self {
        let detail = "the content did not come in time; try again";
        Self::of_status(StatusCode::REQUEST_TIMEOUT, detail)
    }

    /// There are too many requests: 503.
    pub(super) fn overloaded() -> Self {
        let retry_after = RETRY_AFTER_LOAD;
        let kind = RefusalKind::Unavailable { retry_after };
        Refusal::new(kind, "there are too many requests now; try again later").into()
    }

    /// The caller may not act for the sender: 403.
    pub(super) fn forbidden_sender() -> Self {
        Refusal::new(RefusalKind::Forbidden, "the token is not for that sender").into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            status: None,
            challenge: None,
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let refusal = Refusal::new(RefusalKind::Unauthenticated, denied.to_string());
        Self {
            challenge: Some(denied.challenge()),
            ..refusal.into()
        }
    }
}

impl Problem {
    /// Renames the field at fault, for routes where it has another name.
    #[must_use]
    pub(super) fn with_field(mut self, rename: impl FnOnce(&str) -> Option<&'static str>) -> Self {
        if let Some(name) = self.refusal.field.as_deref().and_then(rename) {
            self.refusal.field = Some(name.into());
        }
        self
    }

    /// The status, and the problem details.
    pub(super) fn to_json(&self) -> (StatusCode, Value) {
        let kind = &self.refusal.kind;
        let status = self.status.unwrap_or_else(|| problem::status(kind));
        let mut json = problem::to_json(&self.refusal);
        if let (Some(status), Value::Object(json)) = (self.status, &mut json) {
            json.insert("status".into(), json!(status.as_u16()));
            json.insert("title".into(), json!(status.canonical_reason()));
        }
        (status, json)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, json) = self.to_json();
        let kind = &self.refusal.kind;
        let mut response = (status, json::octets(&json)).into_response();
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, content_type);
        let (name, value) = match kind {
            RefusalKind::WrongRange { len, .. } => (CONTENT_RANGE, format!("bytes */{len}")),
            RefusalKind::TooMany { retry_after } | RefusalKind::Unavailable { retry_after } => {
                (RETRY_AFTER, seconds(*retry_after).to_string())
            }
            RefusalKind::Elsewhere(location) => (LOCATION, location.to_string()),
            RefusalKind::Unauthenticated => {
                let challenge = self.challenge.unwrap_or(Denied::Missing.challenge());
                (WWW_AUTHENTICATE, challenge.into())
            }
            _ => return response,
        };
        // A location that is not allowed in a header field is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
        response
    }
}

/// Whole seconds, rounded up, so that no client comes too early.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
