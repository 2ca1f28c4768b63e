//! One signed request.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use koukan_core::{causes::Causes, clock::SharedClock};
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use tower::ServiceExt;

use crate::client::HttpClient;

use super::Secrets;

/// How long a server may take to answer, unless another time is set.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for the content of an answer once its status has arrived.
const LINGER: Duration = Duration::from_secs(2);
/// The most octets of an answer that are read, so that its connection can be used again.
const ANSWER_MAX: usize = 64 << 10;
/// The most characters of a server's text.
const SAID_MAX: usize = 200;
/// The most octets that are signed at once: about a millisecond.
const SMALL: usize = 256 << 10;
/// The longest time that a server may ask for by Retry-After.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// Sends signed requests to one URL. Redirects are not followed.
#[derive(Debug, Clone)]
pub struct Poster {
    client: HttpClient,
    url: Uri,
    secrets: Secrets,
    clock: SharedClock,
    timeout: Duration,
}

/// A request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
#[non_exhaustive]
pub struct NotTaken {
    /// The answer, or why there was none.
    pub what: String,
    /// The status, if there was an answer.
    pub status: Option<StatusCode>,
    /// How long to wait at least, if the server says so.
    pub retry_after: Option<Duration>,
    /// The first line of the answer's content, at most 200 characters, if it is text and arrived soon. It may hold
    /// control characters.
    pub said: Option<Box<str>>,
}

impl Poster {
    /// Makes a poster for that URL, of http or https, which signs with these secrets.
    pub fn new(client: HttpClient, url: Uri, secrets: Secrets, clock: SharedClock) -> Self {
        Self {
            client,
            url,
            secrets,
            clock,
            timeout: PATIENCE,
        }
    }

    /// Sets how long the server may take from the beginning of a request to its answer. Default: 30 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends JSON, and waits for an answer.
    ///
    /// `id` identifies the content: it must be the same when the content is sent again.
    ///
    /// # Errors
    ///
    /// [`NotTaken`] if the answer is not 2xx.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it ends, the server may or may not have accepted the request.
    pub async fn post(&self, id: &str, content: Bytes) -> Result<(), NotTaken> {
        let timestamp = self.clock.now().as_second();
        let signature = self.signature(id, timestamp, &content).await;
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(
                header::USER_AGENT,
                concat!("koukan/", env!("CARGO_PKG_VERSION")),
            )
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(Body::from(content));
        let request = request.map_err(|error| NotTaken::without_answer(error.to_string()))?;
        let answer = async {
            let response = self.client.clone().oneshot(request).await;
            response.map_err(|error| NotTaken::without_answer(Causes(&error).to_string()))
        };
        let until = Instant::now() + self.timeout;
        let answer = timeout_at(until, answer).await;
        let response =
            answer.unwrap_or_else(|_| Err(NotTaken::without_answer("no answer in time".into())))?;
        let taken = judge(&response, self.clock.now());
        // The status decides; it does not matter whether the rest arrives.
        let said = first_line(response.into_body(), until.min(Instant::now() + LINGER)).await;
        taken.map_err(|not_taken| NotTaken { said, ..not_taken })
    }

    /// The value of `webhook-signature`. For a large content it is computed on a thread for long computations.
    async fn signature(&self, id: &str, timestamp: i64, content: &Bytes) -> String {
        if content.len() > SMALL {
            let (secrets, id, content) = (self.secrets.clone(), id.to_owned(), content.clone());
            let signing = spawn_blocking(move || secrets.sign(&id, timestamp, &content));
            if let Ok(signature) = signing.await {
                return signature;
            }
        }
        self.secrets.sign(id, timestamp, content)
    }
}

/// The first line of a content, if it is text and arrives in time. The rest is read as well, unless there is too much
/// of it, so that the connection can be used again.
async fn first_line(content: Body, until: Instant) -> Option<Box<str>> {
    let mut content = Limited::new(content, ANSWER_MAX);
    let (mut line, mut is_whole) = (Vec::new(), false);
    let reading = async {
        while let Some(Ok(frame)) = content.frame().await {
            let Ok(octets) = frame.into_data() else {
                continue;
            };
            let mut lines = octets.splitn(2, |octet| *octet == b'\n');
            if !is_whole {
                line.extend_from_slice(lines.next().unwrap_or_default());
                is_whole = lines.next().is_some();
            }
        }
    };
    let _ = timeout_at(until, reading).await;
    let line = String::from_utf8_lossy(&line);
    let line = line.trim();
    let is_text = !line.starts_with('<') && line.contains(char::is_alphanumeric);
    is_text.then(|| line.chars().take(SAID_MAX).collect::<String>().into())
}

fn judge<B>(response: &Response<B>, now: Timestamp) -> Result<(), NotTaken> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let after = response.headers().get(header::RETRY_AFTER);
    let after = after.and_then(|value| retry_after(value.to_str().ok()?.trim(), now));
    Err(NotTaken {
        what: format!("it answered {}", status.as_u16()),
        status: Some(status),
        retry_after: after.map(|wait| wait.min(RETRY_AFTER_MAX)),
        said: None,
    })
}

/// How long that is: seconds, or until a date; RFC 9110 section 10.2.3.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

impl NotTaken {
    fn without_answer(what: String) -> Self {
        Self {
            what,
            status: None,
            retry_after: None,
            said: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_seconds_or_until_a_date() {
        let now = "1994-11-06T08:48:37Z".parse().unwrap();
        for (value, expected) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
        ] {
            let found = retry_after(value, now);
            assert_eq!(found, expected.map(Duration::from_secs), "{value}");
        }
        let response = Response::builder()
            .status(503)
            .header(header::RETRY_AFTER, "86400");
        let not_taken = judge(&response.body(()).unwrap(), now).unwrap_err();
        assert_eq!(not_taken.retry_after, Some(RETRY_AFTER_MAX));
    }
}
