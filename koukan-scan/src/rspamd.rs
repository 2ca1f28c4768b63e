//! rspamd, which recognises spam: `POST /checkv2`.
//!
//! The message is the request's content, and header fields say who sends it and to whom. The answer is JSON: an
//! action, a score, and the symbols of the rules that have matched.
//!
//! *Source*: the protocol of rspamd's normal worker.

use std::{collections::BTreeMap, pin::pin};

use bytes::Bytes;
use futures_util::{
    TryStreamExt,
    future::{Either, select},
};
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::{BodyExt, Empty, Limited, StreamBody};
use hyper::{
    body::{Body, Frame},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use koukan_core::{network::BoxWire, reply::Reply, signals::DurableSignal};
use serde::{Deserialize, Serialize};
use tower::BoxError;

use crate::{
    Envelope, Finding, Question, ScanError, ScanResult, Scanner, lines::ANSWER_MAX,
    written::Written,
};

/// Recipients that are named to rspamd at most.
const RECIPIENTS_MAX: usize = 100;

/// The request to rspamd, and how its answer is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rspamd;

/// What rspamd says of a message: the signal `rspamd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RspamdFinding(pub Finding);

impl DurableSignal for RspamdFinding {
    const NAME: &'static str = "rspamd";
}

impl From<Finding> for RspamdFinding {
    fn from(finding: Finding) -> Self {
        Self(finding)
    }
}

impl From<RspamdFinding> for Finding {
    fn from(found: RspamdFinding) -> Self {
        found.0
    }
}

/// The actions, by rspamd's names.
pub const ACTIONS: [&str; 6] = [
    "no action",
    "greylist",
    "add header",
    "rewrite subject",
    "soft reject",
    "reject",
];

impl Scanner for Rspamd {
    type Signal = RspamdFinding;

    async fn ask(&self, wire: BoxWire, question: Question<'_>) -> Result<Finding, ScanError> {
        let (written, size) = (Written::default(), question.size);
        let mut request = Request::post("/checkv2")
            .header(header::HOST, "rspamd")
            .header(header::CONTENT_LENGTH, question.size)
            .body(StreamBody::new(question.message.map_ok(Frame::data)))
            .map_err(|error| ScanError::Lost(error.into()))?;
        describe(question.envelope, request.headers_mut());
        let (status, content) = exchange(written.count(wire), request).await?;
        match status {
            http::StatusCode::PAYLOAD_TOO_LARGE => Err(ScanError::TooLarge),
            status if !status.is_success() => Err(ScanError::said(status.as_str())),
            _ => match read(&content)? {
                // "Nothing found" does not count when only a part of the message was sent. The
                // count includes the request's head, so it must be at least the size of the
                // message.
                found if written.octets() < size && self.is_nothing(&found) => {
                    Err(ScanError::Early)
                }
                found => Ok(found),
            },
        }
    }

    async fn ping(&self, wire: BoxWire) -> Result<(), ScanError> {
        let request = Request::get("/ping")
            .header(header::HOST, "rspamd")
            .body(Empty::<Bytes>::new())
            .map_err(|error| ScanError::Lost(error.into()))?;
        let (status, _) = exchange(wire, request).await?;
        let is_there = status.is_success();
        is_there
            .then_some(())
            .ok_or_else(|| ScanError::said(status.as_str()))
    }

    fn refusal(&self, finding: &Finding) -> Option<Reply> {
        match finding.action.as_deref() {
            Some("reject") => Some(Reply::spam()),
            Some("soft reject") => Some(Reply::policy_deferred()),
            _ => None,
        }
    }
}

impl Rspamd {
    fn is_nothing(&self, found: &Finding) -> bool {
        found.result == ScanResult::Clean && self.refusal(found).is_none()
    }
}

/// Sends a request on a new connection. Returns the status and content of the response.
async fn exchange<B>(
    wire: BoxWire,
    request: Request<B>,
) -> Result<(http::StatusCode, Bytes), ScanError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(lost)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(lost)?;
        let (head, content) = answer.into_parts();
        let content = Limited::new(content, ANSWER_MAX).collect().await;
        let content = content.map_err(ScanError::Lost)?.to_bytes();
        Ok::<_, ScanError>((head.status, content))
    };
    // The connection makes progress only while it is polled.
    match select(pin!(asked), pin!(connection)).await {
        Either::Left((asked, _)) => asked,
        Either::Right((_, asked)) => asked.await,
    }
}

fn lost(error: hyper::Error) -> ScanError {
    ScanError::Lost(error.into())
}

/// Adds header fields that name the sender and the recipients.
fn describe(envelope: &Envelope, headers: &mut HeaderMap) {
    let mut tell = |name: &'static str, value: &str| {
        // A value that cannot stand in a header field is left out.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(name, value);
        }
    };
    let context = &envelope.context;
    tell("from", envelope.reverse_path.as_str());
    for recipient in envelope.recipients(RECIPIENTS_MAX) {
        tell("rcpt", recipient.as_str());
    }
    if let Some(client) = context.remote_host {
        tell("ip", &client.ip().to_string());
    }
    if let Some(client) = &context.client_name {
        tell("helo", &client.name);
    }
    if let Some(identity) = &context.identity {
        tell("user", identity);
    }
    tell("queue-id", &envelope.trace_id.to_string());
}

/// rspamd's answer.
#[derive(Deserialize)]
struct Answer {
    action: Option<String>,
    score: Option<f64>,
    required_score: Option<f64>,
    #[serde(default)]
    symbols: BTreeMap<String, serde::de::IgnoredAny>,
    error: Option<String>,
}

fn read(content: &[u8]) -> Result<Finding, ScanError> {
    let answer = serde_json::from_slice::<Answer>(content);
    let answer = answer.map_err(|error| ScanError::Lost(error.into()))?;
    if let Some(error) = answer.error {
        return Err(ScanError::said(&error));
    }
    let action = answer.action.as_deref();
    let action = ACTIONS.into_iter().find(|known| Some(*known) == action);
    let action = action.ok_or_else(|| ScanError::said("an action that nobody knows"))?;
    let result = match action {
        "add header" | "rewrite subject" | "reject" => ScanResult::Spam,
        _ => ScanResult::Clean,
    };
    let mut found = Finding::new(result).with_symbols(answer.symbols.keys().map(String::as_str));
    found.action = Some(action.to_owned());
    found.score = answer.score.filter(|score| score.is_finite());
    found.threshold = answer.required_score.filter(|score| score.is_finite());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rspamd_says_is_read() {
        let said = br#"{"is_skipped":false,"score":7.5,"required_score":15.0,"action":"add header",
            "symbols":{"B":{"name":"B","score":7.5},"A":{"name":"A","score":0}},"x":1}"#;
        let found = read(said).unwrap();
        assert_eq!(found.result, ScanResult::Spam);
        assert_eq!(found.action.as_deref(), Some("add header"));
        assert_eq!((found.score, found.threshold), (Some(7.5), Some(15.0)));
        assert_eq!(found.symbols, ["A", "B"]);
        let found = read(br#"{"action":"no action"}"#).unwrap();
        assert_eq!((found.result, found.score), (ScanResult::Clean, None));
        for said in [
            r#"{"error":"no"}"#,
            r#"{"action":"explode"}"#,
            "{}",
            "",
            "[]",
        ] {
            assert!(read(said.as_bytes()).is_err(), "{said}");
        }
    }
}
