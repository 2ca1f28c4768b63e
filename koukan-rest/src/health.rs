//! Whether the agent lives and takes mail: `/healthz` and `/readyz`.
//!
//! | request | response |
//! |---|---|
//! | `GET /healthz` | 200 while the process answers at all |
//! | `GET /readyz` | 200 while it takes mail, 503 while it starts or drains |
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

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
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
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether the agent takes mail from now on.
    pub fn set(&self, is_ready: bool) {
        self.0.store(is_ready, Ordering::Release);
    }

    /// Whether the agent takes mail.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
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
        .layer(TraceLayer::new_for_http())
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
