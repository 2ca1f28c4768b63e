//! One signed request.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use koukan_core::{causes::Causes, clock::SharedClock};
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt;

use crate::client::HttpClient;

use super::Secrets;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Octets of an answer that are read at most, so that its connection can be used again.
const ANSWER_MAX: usize = 64 << 10;
/// The longest time that a server may ask for by Retry-After.
const RETRY_AFTER_MAX: u64 = 3600;

/// Sends signed requests to one URL. Redirects are not followed.
#[derive(Debug, Clone)]
pub struct Poster {
    client: HttpClient,
    url: Uri,
    secrets: Secrets,
    clock: SharedClock,
}

/// A request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NotTaken {
    /// What was answered, or why nothing was.
    pub what: String,
    /// The status, where there was an answer.
    pub status: Option<StatusCode>,
    /// How long to wait at least, where the server says so.
    pub retry_after: Option<Duration>,
}

impl Poster {
    /// Sends to that URL, of http or https, with signatures by these secrets.
    pub fn new(client: HttpClient, url: Uri, secrets: Secrets, clock: SharedClock) -> Self {
        Self {
            client,
            url,
            secrets,
            clock,
        }
    }

    /// Sends JSON, and waits for an answer: 30 seconds at most.
    ///
    /// `id` names what is sent: it is the same when that is sent again.
    ///
    /// # Errors
    ///
    /// [`NotTaken`], where the answer is not 2xx.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the request may have been taken or not.
    pub async fn post(&self, id: &str, content: Bytes) -> Result<(), NotTaken> {
        let timestamp = self.clock.now().as_second();
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::USER_AGENT,
                concat!("koukan/", env!("CARGO_PKG_VERSION")),
            )
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header(
                "webhook-signature",
                self.secrets.sign(id, timestamp, &content),
            )
            .body(Body::from(content));
        let request = request.map_err(|error| NotTaken::without_answer(error.to_string()))?;
        let answer = async {
            let response = self.client.clone().oneshot(request).await;
            response.map_err(|error| NotTaken::without_answer(Causes(&error).to_string()))
        };
        let until = Instant::now() + PATIENCE;
        let answer = timeout_at(until, answer).await;
        let response =
            answer.unwrap_or_else(|_| Err(NotTaken::without_answer("no answer in time".into())))?;
        let taken = judge(&response);
        // What it says is of no interest, and whether it comes at all: the status has said all.
        let rest = Limited::new(response.into_body(), ANSWER_MAX).collect();
        let _ = timeout_at(until, rest).await;
        taken
    }
}

fn judge<B>(response: &Response<B>) -> Result<(), NotTaken> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let after = response.headers().get(header::RETRY_AFTER);
    let after = after.and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    Err(NotTaken {
        what: format!("it answered {}", status.as_u16()),
        status: Some(status),
        retry_after: after.map(|seconds| Duration::from_secs(seconds.min(RETRY_AFTER_MAX))),
    })
}

impl NotTaken {
    fn without_answer(what: String) -> Self {
        Self {
            what,
            status: None,
            retry_after: None,
        }
    }
}
