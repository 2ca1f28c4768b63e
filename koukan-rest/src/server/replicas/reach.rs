//! Whether another replica answers at all, before clients are sent there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{body::Body, extract::Request, http::Uri};
use koukan_core::causes::Causes;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::{Known, Peers, pass_on::uri_at};

/// What is asked for: any response will do.
const PATH: &str = "/healthz";
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long an answer, or that there was none, counts.
const KEPT: Duration = Duration::from_secs(1);

/// What was found out of replicas, by their addresses. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Reach(Arc<Mutex<HashMap<Box<str>, Found>>>);

#[derive(Clone, Copy)]
struct Found {
    at: Instant,
    is_there: bool,
}

impl Reach {
    fn known(&self, there: &str) -> Option<bool> {
        let found = self.lock().get(there).copied();
        let found = found.filter(|found| found.at.elapsed() < KEPT);
        found.map(|found| found.is_there)
    }

    fn note(&self, there: &str, is_there: bool) {
        let mut known = self.lock();
        // Replicas get new addresses with each session.
        known.retain(|_, found| found.at.elapsed() < KEPT);
        let at = Instant::now();
        known.insert(there.into(), Found { at, is_there });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether the replica at that address answers. One that has died is still in the database until its session is
    /// over.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub(super) async fn is_there(&self, there: &str) -> bool {
        if let Some(is_there) = self.reach.known(there) {
            return is_there;
        }
        let is_there = self.asks(there).await;
        self.reach.note(there, is_there);
        is_there
    }

    async fn asks(&self, there: &str) -> bool {
        let Ok(request) = Request::get(uri_at(there, &Uri::from_static(PATH))).body(Body::empty())
        else {
            tracing::error!(%there, "the address of another replica is not a URL");
            return false;
        };
        let asked = Peers::clone(&self.replicas.peers).oneshot(request);
        match timeout(PATIENCE, asked).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::info!(%there, error = %Causes(&*error), "another replica cannot be reached");
                false
            }
            Err(_) => {
                tracing::warn!(%there, "another replica does not answer");
                false
            }
        }
    }
}
