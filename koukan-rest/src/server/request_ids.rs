//! What requests are called.

use axum::http::{HeaderValue, Request};
use koukan_core::signals::TraceId;
use tower_http::request_id::{MakeRequestId, RequestId};

/// Gives each request a name of its own, from which nobody learns how many others there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestIds;

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let id = HeaderValue::from_str(&TraceId::random().to_string());
        id.ok().map(RequestId::new)
    }
}
