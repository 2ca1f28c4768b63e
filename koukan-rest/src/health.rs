//! Whether the agent lives and takes mail: `/healthz` and `/readyz`.
//!
//! | request | response |
//! |---|---|
//! | `GET /healthz` | 200 while the process answers at all |
//! | `GET /readyz` | 200 while it takes mail, 503 while it starts or drains, or a part is in trouble |
//!
//! The text of a 503 names each part that is in trouble, a line each, and then what works all the
//! same:
//!
//! ```text
//! not ready
//! storage: does not answer
//! works: mail that its destination takes while the client waits
//! ```
//!
//! # Example
//!
//! ```no_run
//! use koukan_rest::health::{self, Readiness};
//!
//! # async fn run() -> std::io::Result<()> {
//! let readiness = Readiness::default();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! readiness.set(true);
//! axum::serve(listener, health::router(readiness)).await
//! # }
//! ```

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    routing::get,
};
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, trace::TraceLayer,
};

/// Whether the agent takes mail; clones share it. It does not at first.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    takes_mail: bool,
    /// By the part that is in trouble.
    troubles: BTreeMap<&'static str, Trouble>,
}

/// What is wrong with a part of the agent. Both texts are read by whoever asks for health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong, as in "does not answer".
    pub what: &'static str,
    /// What works all the same.
    pub works: &'static str,
}

impl Readiness {
    /// Says whether the agent takes mail from now on.
    pub fn set(&self, is_ready: bool) {
        self.lock().takes_mail = is_ready;
    }

    /// Says that a part of the agent is in trouble from now on; with `None`, that it is not.
    pub fn set_trouble(&self, part: &'static str, trouble: Option<Trouble>) {
        let troubles = &mut self.lock().troubles;
        match trouble {
            Some(trouble) => troubles.insert(part, trouble),
            None => troubles.remove(part),
        };
    }

    /// Whether the agent takes mail, and no part is in trouble.
    pub fn is_ready(&self) -> bool {
        let state = self.lock();
        state.takes_mail && state.troubles.is_empty()
    }

    /// What is told where it is not ready.
    fn text(&self) -> String {
        let state = self.lock();
        let mut text = String::from("not ready\n");
        for (part, trouble) in &state.troubles {
            // A text takes whatever is written.
            let _ = writeln!(text, "{part}: {}", trouble.what);
        }
        if state.takes_mail {
            for trouble in state.troubles.values() {
                let _ = writeln!(text, "works: {}", trouble.works);
            }
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The routes.
pub fn router(readiness: Readiness) -> Router {
    let no_store = HeaderValue::from_static("no-store");
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(readiness)
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store))
        // Outside of all that may panic, so that a panic costs one request.
        .layer(CatchPanicLayer::new())
        // Outermost, so that it sees what the others answer.
        // Whoever is not ready says so whenever it is asked: that is no failure to be logged.
        .layer(TraceLayer::new_for_http().on_failure(()))
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    if readiness.is_ready() {
        (StatusCode::OK, "ready\n".into())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, readiness.text())
    }
}
