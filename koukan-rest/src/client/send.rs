//! The service.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{
    HeaderValue, Request, StatusCode, Uri,
    header::{AUTHORIZATION, LOCATION, USER_AGENT},
};
use http_body_util::{BodyExt, Limited};
use koukan_core::{
    body::Body,
    resource::{Refusal, RefusalKind, ResourceRequest, ResourceResponse},
};
use tokio::time::{sleep, timeout};
use tower::Service;

use super::{
    ClientError, ClientSettings,
    answer::Incoming,
    connect::{HttpClient, http_client},
    content::{Content, Watch},
    request::Outgoing,
};

/// Octets of an answer, at most.
const ANSWER_MAX: usize = 16 << 20;
/// Redirections that are followed, at most.
const HOPS_MAX: usize = 5;
/// How long to wait before what got no answer is sent again, each time.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];

/// Asks a server by HTTP; clones share its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: HttpClient,
    base: Uri,
    token: Option<HeaderValue>,
    response_timeout: Duration,
}

impl Client {
    /// A client of the server at a URL, as in `https://mail.example.com`.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where the URL, the token or the certificates cannot be used.
    pub fn new(url: &str, settings: ClientSettings) -> Result<Self, ClientError> {
        let base: Uri = url.parse().map_err(|_| ClientError::Url)?;
        let is_http = matches!(base.scheme_str(), Some("http" | "https"));
        if !is_http || base.authority().is_none() || base.query().is_some() {
            return Err(ClientError::Url);
        }
        let token = settings.token.as_deref().map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| ClientError::Token)?;
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(Self(Arc::new(Inner {
            http: http_client(&settings)?,
            base,
            token: token.transpose()?,
            response_timeout: settings.response_timeout,
        })))
    }

    async fn ask(self, request: ResourceRequest) -> Result<ResourceResponse, ClientError> {
        let (outgoing, mut upload) = Outgoing::of(request.operation);
        let kind = outgoing.kind;
        let mut uri = self.uri(outgoing.to.as_str())?;
        for _ in 0..=HOPS_MAX {
            let (incoming, can_go_on) = self.exchange(&outgoing, &mut upload, &uri).await?;
            let is_redirected = incoming.status == StatusCode::PERMANENT_REDIRECT;
            let location = incoming.headers.get(LOCATION).filter(|_| is_redirected);
            let location = location.and_then(|location| location.to_str().ok());
            match location {
                Some(location) if can_go_on => uri = self.uri(location)?,
                _ => return incoming.into_answer(kind),
            }
        }
        let retry_after = Duration::from_secs(5);
        let kind = RefusalKind::Unavailable { retry_after };
        Ok(Refusal::new(kind, "redirected too often").into())
    }

    /// One request and its response, repeated where that is safe; and whether the request could be
    /// sent again elsewhere.
    async fn exchange(
        &self,
        outgoing: &Outgoing,
        upload: &mut Option<Body>,
        uri: &Uri,
    ) -> Result<(Incoming, bool), ClientError> {
        if let Some(body) = upload.take() {
            return Ok((self.upload(outgoing, uri, body).await?, false));
        }
        let mut back_off = BACK_OFF.into_iter();
        loop {
            let octets = Some(outgoing.octets.clone()).filter(|octets| !octets.is_empty());
            let request = self.request(outgoing, uri, Content::Whole(octets))?;
            match self.send(request, outgoing.wait).await {
                Err(error @ ClientError::Unanswered(_)) if outgoing.is_repeatable => {
                    let pause = back_off.next().ok_or(error)?;
                    sleep(pause).await;
                }
                result => return Ok((result?, true)),
            }
        }
    }

    async fn upload(
        &self,
        outgoing: &Outgoing,
        uri: &Uri,
        body: Body,
    ) -> Result<Incoming, ClientError> {
        let watch = Watch::default();
        let content = Content::Upload {
            body,
            watch: watch.clone(),
        };
        let request = self.request(outgoing, uri, content)?;
        // It takes as long as the body takes to come; the one who asks limits that.
        let sent = self.0.http.request(request).await;
        match sent {
            Ok(response) => self.receive(response, uri).await,
            Err(error) => match watch.error() {
                Some(error) => Err(ClientError::Body(error.into())),
                None => Err(ClientError::Unanswered(error.into())),
            },
        }
    }

    async fn send(
        &self,
        request: Request<Content>,
        wait: Option<Duration>,
    ) -> Result<Incoming, ClientError> {
        let uri = request.uri().clone();
        let limit = self.0.response_timeout + wait.unwrap_or_default();
        let exchange = async {
            let response = self.0.http.request(request).await;
            let response = response.map_err(|error| ClientError::Unanswered(error.into()))?;
            self.receive(response, &uri).await
        };
        timeout(limit, exchange)
            .await
            .map_err(|_| ClientError::Elapsed)?
    }

    async fn receive(
        &self,
        response: http::Response<hyper::body::Incoming>,
        uri: &Uri,
    ) -> Result<Incoming, ClientError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await;
        let body: Bytes = body.map_err(ClientError::Unanswered)?.to_bytes();
        Ok(Incoming {
            status: head.status,
            headers: head.headers,
            body,
            uri: uri.clone(),
        })
    }

    fn request(
        &self,
        outgoing: &Outgoing,
        uri: &Uri,
        content: Content,
    ) -> Result<Request<Content>, ClientError> {
        let mut request = Request::new(content);
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = outgoing.headers.clone();
        let agent = HeaderValue::from_static(concat!("koukan/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        if let Some(token) = &self.0.token
            && self.is_base(uri)
        {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        Ok(request)
    }

    /// Whether the URI is one of the server that the token is for.
    fn is_base(&self, uri: &Uri) -> bool {
        let base = &self.0.base;
        let port = |uri: &Uri| {
            let default = if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            };
            uri.port_u16().unwrap_or(default)
        };
        let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
        uri.scheme() == base.scheme() && host(uri) == host(base) && port(uri) == port(base)
    }

    /// A location as an absolute URI; paths are those of the base.
    fn uri(&self, location: &str) -> Result<Uri, ClientError> {
        let absolute = if location.contains("://") {
            location.to_owned()
        } else {
            let base = self.0.base.to_string();
            format!("{}{location}", base.trim_end_matches('/'))
        };
        let malformed = ClientError::Malformed("a location that is none");
        absolute.parse().map_err(|_| malformed)
    }
}

impl Service<ResourceRequest> for Client {
    type Response = ResourceResponse;
    type Error = ClientError;
    type Future = BoxFuture<'static, Result<ResourceResponse, ClientError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ResourceRequest) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.0.base)
            .finish_non_exhaustive()
    }
}
