//! The state of an agent as an orchestrator sees it.

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

async fn text(readiness: &Readiness) -> (StatusCode, String) {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let response = health::router(readiness.clone()).oneshot(request).await;
    let (head, body) = response.unwrap().into_parts();
    let octets = axum::body::to_bytes(body, 1000).await.unwrap();
    (head.status, String::from_utf8(octets.to_vec()).unwrap())
}

#[tokio::test]
async fn who_is_about_to_stop_is_not_ready_whatever_is_said_later() {
    let readiness = Readiness::default();
    readiness.set(true);
    readiness.leave();
    readiness.set(true);
    assert!(readiness.is_leaving() && !readiness.is_ready());
    let (status, told) = text(&readiness).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.starts_with("not ready\nthe agent is about to stop\n"));
}

const SILENT: Trouble = Trouble {
    what: "does not answer",
    works: &["what is taken at once"],
    is_ready: false,
};
const GONE: Trouble = Trouble {
    what: "is gone",
    works: &["what is kept", "what is taken at once"],
    is_ready: false,
};

#[tokio::test]
async fn a_part_in_trouble_is_named_with_what_works() {
    let readiness = Readiness::default();
    readiness.set(true);
    readiness.set_trouble("storage", Some(SILENT));
    let told = "not ready\nstorage: does not answer\nworks: what is taken at once\n";
    let not_ready = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(text(&readiness).await, (not_ready, told.into()));
    assert_eq!(status(&readiness, "/healthz").await, StatusCode::OK);
    readiness.set_trouble("storage", None);
    assert_eq!(text(&readiness).await, (StatusCode::OK, "ready\n".into()));
}

#[tokio::test]
async fn what_works_is_what_no_trouble_stops() {
    let readiness = Readiness::default();
    readiness.set(true);
    readiness.set_trouble(String::from("dispatcher"), Some(GONE));
    readiness.set_trouble("storage", Some(SILENT));
    let told = "not ready\ndispatcher: is gone\nstorage: does not answer\n\
                works: what is taken at once\n";
    let not_ready = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(text(&readiness).await, (not_ready, told.into()));
    readiness.set(false);
    let told = "not ready\ndispatcher: is gone\nstorage: does not answer\n";
    assert_eq!(text(&readiness).await, (not_ready, told.into()));
}

#[tokio::test]
async fn what_it_can_do_without_is_named_and_costs_nothing() {
    let readiness = Readiness::default();
    let trouble = Trouble {
        is_ready: true,
        ..SILENT
    };
    readiness.set_trouble("storage", Some(trouble));
    assert!(!readiness.is_ready());
    readiness.set(true);
    let told = "ready\nstorage: does not answer\nworks: what is taken at once\n";
    assert_eq!(text(&readiness).await, (StatusCode::OK, told.into()));
    readiness.set_trouble("dispatcher", Some(GONE));
    assert_eq!(text(&readiness).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn there_is_nothing_else() {
    let readiness = Readiness::default();
    assert_eq!(status(&readiness, "/").await, StatusCode::NOT_FOUND);
}
