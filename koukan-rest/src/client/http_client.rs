//! A client for any HTTP server.

use std::{
    fmt,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use hyper_util::client::legacy;
use tower::{BoxError, Service};

use super::{
    ClientError, ClientSettings,
    transport::{Connector, pool},
};

/// A client for any HTTP server; clones share its connections.
///
/// A request is sent once and unchanged: a redirect is returned as a response, and nothing is
/// repeated. Only the time to connect is limited. The caller limits the time for the response and
/// how much of it is read (tower's timeout, `http_body_util`'s `Limited`). If a URI does not come
/// from the operator, the caller must check where it leads before asking for it.
///
/// *Shape*: the URI of a request is absolute, with scheme http or https.
///
/// # Errors
///
/// [`ClientError::Unreachable`] if nothing was sent, [`ClientError::Unanswered`] if there was no response.
///
/// # Cancel safety
///
/// Dropping a call abandons the request.
///
/// # Example
///
/// ```no_run
/// use axum::body::Body;
/// use koukan_rest::client::{ClientSettings, HttpClient};
/// use tower::{BoxError, ServiceExt};
///
/// # async fn run() -> Result<(), BoxError> {
/// let client = HttpClient::new(&ClientSettings::default())?;
/// let request = http::Request::get("https://policy.example.com/").body(Body::empty())?;
/// let response = client.oneshot(request).await?;
/// assert!(response.status().is_success());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HttpClient(legacy::Client<Connector, Body>);

impl HttpClient {
    /// Makes a client that connects and trusts certificates as the settings say. It ignores all
    /// other settings, and sends no token.
    ///
    /// # Errors
    ///
    /// [`ClientError::Certificates`] if the certificates to be trusted cannot be used.
    pub fn new(settings: &ClientSettings) -> Result<Self, ClientError> {
        pool(settings).map(Self)
    }
}

impl<B> Service<Request<B>> for HttpClient
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = ClientError;
    type Future = BoxFuture<'static, Result<Response<Body>, ClientError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let responding = self.0.request(request.map(Body::new));
        Box::pin(async move {
            let response = responding.await.map_err(|error| match error.is_connect() {
                true => ClientError::Unreachable(error.into()),
                false => ClientError::Unanswered(error.into()),
            })?;
            Ok(response.map(Body::new))
        })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
