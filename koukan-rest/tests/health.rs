//! What an orchestrator sees.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use axum::{
    body::Body,
    http::{Request, StatusCode, header::CACHE_CONTROL},
};
use koukan_rest::health::{self, Readiness, Trouble};
use tower::ServiceExt;

async fn status(readiness: &Readiness, path: &str) -> StatusCode {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = health::router(readiness.clone()).oneshot(request).await;
    let response = response.unwrap();
    if response.status() != StatusCode::NOT_FOUND {
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
    response.status()
}

#[tokio::test]
async fn it_lives_before_it_is_ready() {
    let readiness = Readiness::default();
    assert_eq!(status(&readiness, "/healthz").await, StatusCode::OK);
    assert_eq!(
        status(&readiness, "/readyz").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    readiness.set(true);
    assert_eq!(status(&readiness, "/readyz").await, StatusCode::OK);
    readiness.set(false);
    assert_eq!(
        status(&readiness, "/readyz").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn a_part_in_trouble_is_named_with_what_works() {
    let readiness = Readiness::default();
    readiness.set(true);
    readiness.set_trouble(
        "storage",
        Some(Trouble {
            what: "does not answer",
            works: "mail that is taken at once",
        }),
    );
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let response = health::router(readiness.clone()).oneshot(request).await;
    let response = response.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let text = axum::body::to_bytes(response.into_body(), 1000).await;
    assert_eq!(
        text.unwrap(),
        "not ready\nstorage: does not answer\nworks: mail that is taken at once\n"
    );
    assert_eq!(status(&readiness, "/healthz").await, StatusCode::OK);
    readiness.set_trouble("storage", None);
    assert_eq!(status(&readiness, "/readyz").await, StatusCode::OK);
}

#[tokio::test]
async fn there_is_nothing_else() {
    let readiness = Readiness::default();
    assert_eq!(status(&readiness, "/").await, StatusCode::NOT_FOUND);
}
