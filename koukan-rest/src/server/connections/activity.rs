//! Whether a connection has requests under way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use axum::http::Version;

/// Counts the requests on a connection; clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
    is_http_2: AtomicBool,
}

/// A request that is being answered.
pub(super) struct UnderWay(Activity);

impl Activity {
    pub(super) fn begin(&self, version: Version) -> UnderWay {
        let is_http_2 = version >= Version::HTTP_2;
        self.0.is_http_2.store(is_http_2, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.clone())
    }

    /// How many requests have begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Whether a client can be told to make no more requests while one may be on its way.
    pub(super) fn is_http_2(&self) -> bool {
        self.0.is_http_2.load(Ordering::Relaxed)
    }

    /// Whether no request is being answered.
    pub(super) fn is_at_rest(&self) -> bool {
        // `ended` is read first, so that a request that begins in between counts as being answered.
        let ended = self.0.ended.load(Ordering::Relaxed);
        ended == self.begun()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}
