//! Users that an HTTP server knows.
//!
//! | the server answers | the client |
//! |---|---|
//! | 200 with `{"identity": "…"}` or without, or 204 | is known by that name; without one, by the name that it has given |
//! | 401, 403, 404 | is refused |
//! | anything else, or nothing in time | gets 454 and may try again |
//!
//! A claim that was accepted is cached for some time, so that clients that connect often do not
//! cause a question each time. The cache holds keyed hashes, which cannot be guessed without a
//! secret of this process. Refusals are not cached.

mod kept;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, Uri, header},
};
use koukan_core::random::{NoRandomness, secret};
use koukan_rest::client::HttpClient;
use koukan_smtp::{
    sasl::{Answer, Claim, Mechanism, Mechanisms},
    server::{Authenticator, Unavailable},
};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt;

use self::kept::Kept;

/// The most octets in an answer.
const ANSWER_MAX: usize = 16 << 10;
/// The most octets in a name.
const NAME_MAX: usize = 255;
/// The most questions of one listener at a time.
const QUESTIONS_MAX: u64 = 64;

/// Asks an HTTP server whether clients are who they claim to be; clones share the cache.
#[derive(Clone)]
pub(crate) struct HttpAuthenticator {
    client: HttpClient,
    url: Uri,
    token: Option<Arc<str>>,
    patience: Duration,
    kept: Arc<Kept>,
}

/// Why there is no valid answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the HTTP server has not answered in time")]
    Late,
    #[error("the HTTP server has answered {0}")]
    Status(StatusCode),
    #[error("the answer of the HTTP server cannot be read")]
    Content,
}

impl HttpAuthenticator {
    /// Asks at that URL, and caches accepted claims for that time.
    pub(crate) fn new(client: HttpClient, url: Uri, keep: Duration) -> Result<Self, NoRandomness> {
        Ok(Self {
            client,
            url,
            token: None,
            patience: Duration::from_secs(10),
            kept: Arc::new(Kept::new(secret()?, keep)),
        })
    }

    /// Sends the server that token.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets how long to wait for an answer. Default: 10 seconds.
    pub(crate) fn with_timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    async fn question(&self, user: Option<&str>, content: Value) -> Result<Answer, Unavailable> {
        let answer = timeout(self.patience, self.exchange(user, content)).await;
        answer.unwrap_or_else(|_| Err(Unavailable(NoAnswer::Late.into())))
    }

    async fn exchange(&self, user: Option<&str>, content: Value) -> Result<Answer, Unavailable> {
        let mut request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Body::from(content.to_string()));
        let request = request.map_err(|error| Unavailable(error.into()))?;
        let response = self.client.clone().oneshot(request).await;
        let response = response.map_err(|error| Unavailable(error.into()))?;
        let status = response.status();
        // Read in either case, so that the connection can be used again.
        let octets = to_bytes(response.into_body(), ANSWER_MAX).await;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                return Ok(Answer::Refused);
            }
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            other => return Err(Unavailable(NoAnswer::Status(other).into())),
        }
        let unreadable = || Unavailable(NoAnswer::Content.into());
        let octets = octets.map_err(|error| Unavailable(error.into()))?;
        let told = match octets.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&octets).map_err(|_| unreadable())?,
        };
        let name = match told.get("identity") {
            None => user.ok_or_else(unreadable)?,
            Some(name) => name.as_str().ok_or_else(unreadable)?,
        };
        let is_name =
            !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
        match is_name {
            true => Ok(Answer::Accepted(name.into())),
            false => Err(unreadable()),
        }
    }
}

#[async_trait]
impl Authenticator for HttpAuthenticator {
    fn mechanisms(&self) -> Mechanisms {
        let all = [Mechanism::Plain, Mechanism::Login, Mechanism::OAuthBearer];
        all.into_iter().collect()
    }

    fn questions_max(&self) -> u64 {
        QUESTIONS_MAX
    }

    fn known(&self, claim: &Claim) -> Option<Answer> {
        let key = self.kept.key(parts(claim)?.all());
        self.kept.find(&key).map(Answer::Accepted)
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        if let Some(known) = self.known(&claim) {
            return Ok(known);
        }
        // The server knows no verifiers: mechanisms that need one are not offered.
        let Some(parts) = parts(&claim) else {
            return Ok(Answer::Refused);
        };
        let mut content = json!({ parts.kind: parts.shown });
        if let Some(user) = parts.user {
            content["user"] = user.into();
        }
        let answer = self.question(parts.user, content).await?;
        if let Answer::Accepted(name) = &answer {
            self.kept.keep(self.kept.key(parts.all()), name.clone());
        }
        Ok(answer)
    }
}

/// What the server is told of a claim.
struct Parts<'a> {
    kind: &'static str,
    user: Option<&'a str>,
    shown: &'a str,
}

impl<'a> Parts<'a> {
    fn all(&self) -> [&'a str; 3] {
        [self.kind, self.user.unwrap_or_default(), self.shown]
    }
}

fn parts(claim: &Claim) -> Option<Parts<'_>> {
    let (kind, user, shown) = match claim {
        Claim::Password { user, password } => ("password", Some(&**user), password.reveal()),
        Claim::Token { user, token } => ("token", user.as_deref(), token.reveal()),
        _ => return None,
    };
    Some(Parts { kind, user, shown })
}

impl fmt::Debug for HttpAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpAuthenticator")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
