//! One request and its response.

use std::pin::pin;

use http::{
    HeaderValue, Method, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT},
};
use hyper::body::Incoming;
use koukan_core::resource::BadAnswer;
use tokio::time::{Instant, sleep_until};

use crate::client::{ClientError, uri::Origin};

use super::{
    Request, Response, Transport,
    content::RequestBody,
    receive::receive,
    upload::{Source, Turn},
};

/// Ends the content of a request when the request ends, whether it was answered early or dropped.
struct Revoke<'a>(Option<&'a Source>);

impl Drop for Revoke<'_> {
    fn drop(&mut self) {
        if let Some(source) = self.0 {
            source.revoke();
        }
    }
}

impl Transport {
    /// Sends a request to that URI once.
    pub(super) async fn exchange(
        &self,
        request: &Request,
        uri: &Uri,
    ) -> Result<Response, ClientError> {
        if !self.may_ask(uri) {
            let (method, reason) = (request.method.as_str(), "names a host that is not listed");
            let bad = BadAnswer::new(method, uri, None, reason, b"");
            return Err(ClientError::Malformed(bad));
        }
        let _revoke = Revoke(request.content.source());
        let response = self.head(request, uri).await?;
        let (head, body) = response.into_parts();
        let max = self.settings.response_max;
        let received = receive(body, max, self.settings.idle_timeout).await?;
        let response = Response {
            method: request.method.clone(),
            uri: uri.clone(),
            status: head.status,
            headers: head.headers,
            content: received.content,
        };
        match received.is_cut {
            true => Err(response.bad("longer than is read")),
            false => Ok(response),
        }
    }

    fn http_request(&self, request: &Request, uri: &Uri) -> http::Request<RequestBody> {
        let mut http = http::Request::new(request.content.body());
        *http.method_mut() = request.method.clone();
        *http.uri_mut() = uri.clone();
        let headers = http.headers_mut();
        headers.clone_from(&request.headers);
        let agent = concat!("koukan/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, application/problem+json"),
        );
        if let Some(media_type) = request.content.media_type() {
            headers.insert(CONTENT_TYPE, media_type);
        } else if request.method != Method::GET {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if let Some(token) = &self.token
            && let Some(origin) = Origin::of(uri)
            && token.origins.contains(&origin)
        {
            headers.insert(AUTHORIZATION, token.value.clone());
        }
        http
    }

    /// Waits for the head of the response.
    async fn head(
        &self,
        request: &Request,
        uri: &Uri,
    ) -> Result<http::Response<Incoming>, ClientError> {
        let begun = Instant::now();
        let mut responding = pin!(self.pool.request(self.http_request(request, uri)));
        loop {
            let (check, is_due) = self.check_at(request, begun);
            tokio::select! {
                response = &mut responding => {
                    let broken_off = || request.content.source()?.take_error();
                    return response.map_err(|error| match broken_off() {
                        Some(error) => ClientError::Body(error.into()),
                        None if error.is_connect() => ClientError::Unreachable(error.into()),
                        None => ClientError::Unanswered(error.into()),
                    });
                }
                () = sleep_until(check) => {
                    let (check, is_still_due) = self.check_at(request, begun);
                    if is_due && is_still_due && check <= Instant::now() {
                        return Err(ClientError::Elapsed);
                    }
                }
            }
        }
    }

    /// When to check the time again, and whether the server is late at that moment.
    fn check_at(&self, request: &Request, begun: Instant) -> (Instant, bool) {
        let settings = &self.settings;
        let head = settings.response_timeout + request.wait;
        match request.content.source().map(Source::turn) {
            // The connection pool gives up after this time.
            None => (begun + settings.connect_timeout + head, true),
            Some(Turn::Ended(since)) => (since + head, true),
            Some(Turn::Server(since)) => (since + settings.idle_timeout, true),
            // At some time later it may become the server's turn.
            Some(Turn::Originator) => (Instant::now() + settings.idle_timeout, false),
        }
    }
}
