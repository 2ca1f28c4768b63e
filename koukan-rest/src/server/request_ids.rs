//! The ids of requests.

use axum::http::{HeaderValue, Request};
use koukan_core::signals::TraceId;
use tower_http::request_id::{MakeRequestId, RequestId};

/// Gives each request an id of its own that does not reveal how many requests there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RequestIds;

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let id = HeaderValue::from_str(&TraceId::random().to_string());
        id.ok().map(RequestId::new)
    }
}
