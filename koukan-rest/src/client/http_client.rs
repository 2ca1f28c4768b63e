//! A client of any HTTP server.

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

/// Asks any HTTP server; clones share its connections.
///
/// A request is sent as it is, once: a redirect is an answer, and nothing is repeated. Only the time to
/// connect is limited. Whoever asks limits the time for the answer and what is read of it (tower's
/// timeout, `http_body_util`'s `Limited`), and must not ask for a URI that somebody else than the
/// operator names without looking where it leads.
///
/// *Shape*: the URI of a request is absolute, of http or https.
///
/// # Errors
///
/// [`ClientError::Unreachable`] where nothing was sent, [`ClientError::Unanswered`] where there was no
/// answer.
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
    /// A client that connects as the settings say, and trusts whom they trust; it takes nothing else
    /// of them, and shows no token.
    ///
    /// # Errors
    ///
    /// [`ClientError::Certificates`] where those to be trusted cannot be used.
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
