//! Checks that a request is well-formed, whatever it asks for.
//!
//! A request that two programs may read in two ways is refused: a proxy may have read it
//! differently and let it pass.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version,
        header::{
            ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST,
            TRANSFER_ENCODING,
        },
    },
    response::{IntoResponse, Response},
};
use futures_util::future::Either;
use koukan_core::resource::{Refusal, RefusalKind};
use tower::{Layer, Service, layer::layer_fn};

use super::{host::named, problem::Problem, shared::Shared};

/// Refuses a request that is not well-formed, before anything is done with it.
#[derive(Clone)]
pub(super) struct ExpectSound<S> {
    inner: S,
    shared: Shared,
}

pub(super) fn expect_sound<S>(shared: Shared) -> impl Layer<S, Service = ExpectSound<S>> + Clone {
    layer_fn(move |inner| ExpectSound {
        inner,
        shared: shared.clone(),
    })
}

impl<S: Service<Request, Response = Response>> Service<Request> for ExpectSound<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match check(&self.shared, &request) {
            None => Either::Left(self.inner.call(request)),
            Some(refused) => Either::Right(ready(Ok(refused))),
        }
    }
}

/// Refuses a request that does not name its host exactly once, as every request of HTTP/1.1 and
/// later must: RFC 9112 section 3.2.
pub(super) fn check_host<B>(request: &axum::http::Request<B>) -> Result<(), Refusal> {
    let (uri, headers) = (request.uri(), request.headers());
    let hosts = headers.get_all(HOST).iter().count();
    let wrong = |detail| Err(Refusal::malformed(detail).at("Host"));
    let is_late = request.version() > Version::HTTP_10;
    match hosts {
        0 if uri.authority().is_none() && is_late => wrong("is missing"),
        0 => Ok(()),
        1 if named(&Uri::default(), headers).is_none() => {
            wrong("is not the name or the address of a host, with or without a port")
        }
        1 => Ok(()),
        _ => wrong("may be there once only"),
    }
}

/// The response to a request that is not well-formed; `None` if it is.
fn check(shared: &Shared, request: &Request) -> Option<Response> {
    let headers = request.headers();
    if let Err(refusal) = check_single(headers) {
        return Some(Problem::from(refusal).into_response());
    }
    check_coding(headers).or_else(|| {
        let is_ours = shared.check_host(request.uri(), headers);
        is_ours.err().map(IntoResponse::into_response)
    })
}

/// Fields that may occur only once, since it would matter which value counts.
fn check_single(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.len() == headers.keys_len() {
        return Ok(());
    }
    for name in [AUTHORIZATION, CONTENT_TYPE] {
        if headers.get_all(&name).iter().nth(1).is_some() {
            let name = HeaderName::as_str(&name);
            return Err(Refusal::malformed("may be there once only").at(name));
        }
    }
    Ok(())
}

/// The response to a request whose content is compressed or otherwise encoded; such content is not decoded.
///
/// *Source*: RFC 9110 section 8.4, RFC 9112 section 6.1.
fn check_coding(headers: &HeaderMap) -> Option<Response> {
    if !is_all(headers, &CONTENT_ENCODING, "identity") {
        let detail = "content must come as it is, not compressed";
        let refusal = Refusal::new(RefusalKind::WrongContentType, detail).at("Content-Encoding");
        let mut response = Problem::from(refusal).into_response();
        let identity = HeaderValue::from_static("identity");
        response.headers_mut().insert(ACCEPT_ENCODING, identity);
        return Some(response);
    }
    if !is_all(headers, &TRANSFER_ENCODING, "chunked") {
        let detail = "Transfer-Encoding: may be chunked only";
        let mut response = Problem::of_status(StatusCode::NOT_IMPLEMENTED, detail).into_response();
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
        return Some(response);
    }
    None
}

/// Whether a field lists only that coding.
fn is_all(headers: &HeaderMap, name: &HeaderName, coding: &str) -> bool {
    headers.get_all(name).iter().all(|value| {
        let codings = value.to_str().unwrap_or("?").split(',').map(str::trim);
        codings
            .filter(|other| !other.is_empty())
            .all(|other| other.eq_ignore_ascii_case(coding))
    })
}
