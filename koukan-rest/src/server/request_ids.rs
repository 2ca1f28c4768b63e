//! What requests are called.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::http::{HeaderValue, Request};
use tower_http::request_id::{MakeRequestId, RequestId};

/// Gives each request of a server a name of its own: one for this server, and a number.
#[derive(Debug, Clone)]
pub(super) struct RequestIds {
    server: u64,
    next: Arc<AtomicU64>,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self {
            // Each state has other keys: enough to tell servers apart in a log.
            server: RandomState::new().hash_one(()),
            next: Arc::default(),
        }
    }
}

impl MakeRequestId for RequestIds {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = HeaderValue::from_str(&format!("{:016x}-{number:x}", self.server));
        id.ok().map(RequestId::new)
    }
}
