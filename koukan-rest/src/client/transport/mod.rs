//! Sends requests over connections, and receives the responses.

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
    /// The servers that may be asked: the server of the URL, and those that it may name.
    origins: Vec<Origin>,
    /// Where redirects have led for each transaction.
    remembered: Remembered,
    pool: legacy::Client<Connector, RequestBody>,
}

/// A bearer token, and the servers to which it may be sent.
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
    /// After any failure before the response: a repetition does no harm.
    Always,
    /// Only if nothing was sent.
    Unsent,
}

/// One response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) method: Method,
    /// The URI that was asked last, after redirects.
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

    /// Whether a URI, which a server may have named, belongs to a server that may be asked.
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

/// A pool of connections, for requests whose content has that type.
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

/// The origin of the base URL, and those of the other URLs.
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
    /// A request without content that does no harm when repeated.
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

    /// A request that sends this JSON.
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
