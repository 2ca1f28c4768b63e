//! The layers around all routes.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use koukan_core::{
    clock::SystemClock,
    resource::{ResourceRequest, ResourceResponse, Version, View},
    test_util::CapturedLog,
};
use koukan_rest::{
    auth::Auth,
    server::{Server, ServerSettings},
};
use tokio::sync::Notify;
use tower::{BoxError, ServiceExt, service_fn};

use crate::support::{answering, answering_with, current, empty, request, send};

#[tokio::test]
async fn answers_are_neither_kept_nor_guessed_at() {
    for path in ["/transactions/T", "/nothing", "/openapi.json"] {
        let (server, _) = answering(current("1"));
        let answer = send(server.router(), empty(request("GET", path))).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.header("x-request-id").is_empty());
    }
}

#[tokio::test]
async fn the_id_of_a_request_comes_back() {
    let (server, _) = answering(current("1"));
    let request = request("GET", "/transactions/T").header("x-request-id", "r-1");
    let answer = send(server.router(), empty(request)).await;
    assert_eq!(answer.header("x-request-id"), "r-1");
}

#[tokio::test]
async fn the_id_of_a_request_does_not_tell_how_many_there_were() {
    let (server, _) = answering(current("1"));
    let router = server.router();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = send(router.clone(), empty(request("GET", "/transactions/T"))).await;
        ids.push(answer.header("x-request-id").to_owned());
    }
    let ends: Vec<_> = ids.iter().map(|id| &id[id.len() - 12..]).collect();
    assert!(ends[0] != ends[1] && ends[1] != ends[2], "{ids:?}");
    // The last 60 bits are random; the common beginning is a counter.
    let begins: Vec<_> = ends.iter().map(|end| &end[..4]).collect();
    assert!(begins[0] != begins[1] || begins[1] != begins[2], "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn refusals_for_want_of_room_are_counted_and_not_logged_one_by_one() {
    let log = CapturedLog::at(tracing::Level::INFO);
    let settings = ServerSettings::default().with_max_requests(0);
    let (server, _) = answering_with(current("1"), settings);
    let router = server.router();
    for _ in 0..100 {
        let answer = send(router.clone(), empty(request("GET", "/transactions/T"))).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let told = log.text();
    assert!(!told.contains("ERROR"), "{told}");
    assert!(told.lines().count() <= 3, "{told}");
}

#[tokio::test]
async fn what_is_too_much_is_refused_at_once() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let notify = (Arc::clone(&begun), Arc::clone(&go_on));
    let service = service_fn(move |_: ResourceRequest| {
        let (begun, go_on) = notify.clone();
        async move {
            begun.notify_one();
            go_on.notified().await;
            Ok::<_, BoxError>(current("1"))
        }
    });
    let settings = ServerSettings::default().with_max_requests(1);
    let router = Server::new(service, settings).router();
    let read = || empty(request("GET", "/transactions/T"));
    let first = tokio::spawn(send(router.clone(), read()));
    begun.notified().await;
    let second = send(router.clone(), read()).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(second.header("retry-after"), "1");
    second.detail();
    go_on.notify_one();
    assert_eq!(first.await.unwrap().status, StatusCode::OK);
    go_on.notify_one();
    assert_eq!(send(router, read()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_wants_that() {
    let mut view = View::default();
    view.filter_output
        .insert("f".into(), "x".repeat(1000).into());
    let (server, _) = answering(ResourceResponse::Current {
        view: Box::new(view),
        version: Version::new("1"),
    });
    let request = request("GET", "/transactions/T?view=full").header("accept-encoding", "gzip");
    let response = server.router().oneshot(empty(request)).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert_eq!(response.headers()["etag"], "\"1-full\"");
    let vary = response.headers().get_all("vary").iter();
    let vary: Vec<_> = vary.map(|vary| vary.to_str().unwrap()).collect();
    assert_eq!(vary.join(", "), "prefer, accept-encoding");
}

#[tokio::test]
async fn scripts_of_known_origins_only_may_ask() {
    for (origins, allowed) in [(vec![], ""), (vec!["https://a".to_owned()], "https://a")] {
        let settings = ServerSettings::default().with_cors_origins(origins);
        let (server, _) = answering_with(current("1"), settings);
        let router = server
            .with_auth(Auth::new([], Arc::new(SystemClock)))
            .router();
        let preflight = request("OPTIONS", "/transactions/T")
            .header("origin", "https://a")
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,if-match");
        let answer = send(router.clone(), empty(preflight)).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
        assert_eq!(answer.status == StatusCode::OK, !allowed.is_empty());
        for (field, value) in [("methods", "DELETE"), ("headers", "last-event-id")] {
            let told = answer.header(&format!("access-control-allow-{field}"));
            assert_eq!(told.contains(value), !allowed.is_empty(), "{told}");
        }
        let stranger = request("GET", "/transactions/T").header("origin", "https://b");
        let answer = send(router, empty(stranger)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}
