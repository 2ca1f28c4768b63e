//! Requests over connections: what goes to the server, and what comes back.

mod connect;
mod content;
mod exchange;
mod network;
mod receive;
mod remembered;
mod repeat;
mod upload;

pub(super) use self::{connect::Connector, content::Content, upload::Source};

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};

use crate::schema::json::octets;

use super::{
    ClientError, ClientSettings,
    uri::{Origin, base_url},
};

use self::{connect::connector, content::RequestBody, remembered::Remembered};

/// The connections of a client, and its settings.
pub(super) struct Transport {
    settings: ClientSettings,
    /// The server's URL; its path ends with a slash.
    base: Uri,
    token: Option<Token>,
    /// Who may be asked: the server, and those that it may name.
    origins: Vec<Origin>,
    /// Which of them has what.
    remembered: Remembered,
    pool: legacy::Client<Connector, RequestBody>,
}

/// A bearer token, and who may see it.
struct Token {
    value: HeaderValue,
    origins: Vec<Origin>,
}

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) content: Content,
    /// How long the server is asked to wait before it answers.
    pub(super) wait: Duration,
    pub(super) repeat: Repeat,
}

/// When a request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// After any failure before the response: it does no harm.
    Always,
    /// Where it was not sent.
    Unsent,
}

/// One response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) method: Method,
    /// The URI that was asked last, redirects included.
    pub(super) uri: Uri,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) content: Bytes,
}

impl Transport {
    pub(super) fn new(url: &str, settings: ClientSettings) -> Result<Self, ClientError> {
        let base = base_url(url).ok_or(ClientError::Url)?;
        let token = settings.token.as_deref();
        let token = token.map(|token| Token::new(token, &base, &settings.token_urls));
        let token = token.transpose()?;
        let others = settings.other_urls.iter().chain(&settings.token_urls);
        let origins = origins(&base, others.map(|url| &**url))?;
        Ok(Self {
            pool: pool(&settings)?,
            settings,
            base,
            token,
            origins,
            remembered: Remembered::default(),
        })
    }

    pub(super) fn base(&self) -> &Uri {
        &self.base
    }

    /// Whether a URI, which a server may have named, is that of one which may be asked.
    fn may_ask(&self, uri: &Uri) -> bool {
        Origin::of(uri).is_some_and(|origin| self.origins.contains(&origin))
    }
}

impl Token {
    fn new(token: &str, base: &Uri, urls: &[Box<str>]) -> Result<Self, ClientError> {
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| ClientError::Token)?;
        value.set_sensitive(true);
        let origins = origins(base, urls.iter().map(|url| &**url))?;
        Ok(Self { value, origins })
    }
}

/// Connections, which are kept, for requests with a content of that kind.
pub(super) fn pool<B>(
    settings: &ClientSettings,
) -> Result<legacy::Client<Connector, B>, ClientError>
where
    B: http_body::Body<Data: Send> + Send,
{
    let connector = connector(settings)?;
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .http2_only(settings.http2);
    Ok(builder.build(connector))
}

/// The origin of the base URL, and those of others.
fn origins<'a>(
    base: &Uri,
    others: impl Iterator<Item = &'a str>,
) -> Result<Vec<Origin>, ClientError> {
    let others = others.map(base_url);
    let all = std::iter::once(Some(base.clone())).chain(others);
    let origins = all.map(|url| Origin::of(&url?)).collect::<Option<_>>();
    origins.ok_or(ClientError::Url)
}

impl Request {
    /// A request without content, which does no harm when it is repeated.
    pub(super) fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: HeaderMap::new(),
            content: Content::None,
            wait: Duration::ZERO,
            repeat: Repeat::Always,
        }
    }

    /// A request that writes this JSON.
    pub(super) fn json(method: Method, uri: Uri, json: &serde_json::Value) -> Self {
        Self {
            content: Content::Json(octets(json).into()),
            ..Self::new(method, uri)
        }
    }

    /// A request that uploads octets.
    pub(super) fn upload(uri: Uri, source: Arc<Source>) -> Self {
        Self {
            content: Content::Upload(source),
            repeat: Repeat::Unsent,
            ..Self::new(Method::PUT, uri)
        }
    }
}
