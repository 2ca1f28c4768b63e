//! The client as a service.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use koukan_core::resource::{ResourceRequest, ResourceResponse};
use tower::Service;

use super::{ClientError, ClientSettings, operation, transport::Transport};

/// A client of one server; clones share its connections. The [module documentation](super) says more.
///
/// The server knows the caller by the token of the settings; [`ResourceRequest::caller`] is ignored.
///
/// # Errors
///
/// [`ClientError`] if there is no answer that follows this API.
///
/// # Cancel safety
///
/// Dropping a call breaks off the request; content that was not sent completely does not look
/// complete to the server.
///
/// # Example
///
/// ```
/// use koukan_core::stage::rest_endpoint::{RestEndpoint, RestEndpointSettings};
/// use koukan_rest::client::{Client, ClientSettings};
///
/// let settings = ClientSettings::default().with_token("a secret");
/// let client = Client::new("https://mail.example.com", settings)?;
/// let endpoint = RestEndpoint::new(client, RestEndpointSettings::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client(Arc<Transport>);

impl Client {
    /// Makes a client of the server at a URL, for example `https://mail.example.com`. It connects
    /// at the first request.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the URL, the token or the certificates cannot be used.
    pub fn new(url: &str, settings: ClientSettings) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Transport::new(url, settings)?)))
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
        let transport = Arc::clone(&self.0);
        Box::pin(async move { operation::perform(&transport, request.operation).await })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", self.0.base())
            .finish_non_exhaustive()
    }
}
