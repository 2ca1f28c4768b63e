//! The endpoint that Prometheus scrapes: `/metrics`.
//!
//! `GET /metrics` answers with the text exposition format, version 0.0.4. As with
//! [`health`](crate::health), no token is needed.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

/// The media type of the text exposition format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Makes the route. It answers each request with the text that `render` returns.
pub fn router(render: impl Fn() -> String + Send + Sync + 'static) -> Router {
    let render: Render = Arc::new(render);
    let no_store = HeaderValue::from_static("no-store");
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(render)
        .layer(SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            no_store,
        ))
        // Outside of everything that may panic, so that a panic costs only one request.
        .layer(CatchPanicLayer::new())
}

async fn metrics(State(render): State<Render>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], render())
}
