//! Webhooks, as operators see them.

use axum::http::StatusCode;
use koukan_core::resource::{
    HookAction, HookOperation, HookState, HookView, QueueOperation, QueueResponse,
};
use serde_json::json;

use crate::{
    queue::with_queue,
    support::{empty, request, send},
};

fn view() -> HookView {
    HookView {
        name: "http://x/hook".into(),
        state: HookState::Dead,
        failing_since: Some("2000-01-01T00:00:00Z".parse().unwrap()),
        failures: 9,
        last_error: Some("it answered 503".into()),
        events: Some((7, 9)),
    }
}

#[tokio::test]
async fn they_are_shown_and_changed_by_their_names() {
    let shown = json!({
        "name": "http://x/hook", "state": "dead", "failures": 9, "last_error": "it answered 503",
        "failing_since": "2000-01-01T00:00:00Z", "first_event": "7", "last_event": "9",
    });
    let name = || "http://x/hook".into();
    let path = "/webhooks/http%3A%2F%2Fx%2Fhook";
    for (method, path, asked_for) in [
        ("GET", path.to_owned(), HookOperation::Show(name())),
        (
            "POST",
            format!("{path}/retry"),
            HookOperation::Change(name(), HookAction::Retry),
        ),
        (
            "POST",
            format!("{path}/skip"),
            HookOperation::Change(name(), HookAction::Skip),
        ),
    ] {
        let (server, asked) = with_queue(|| QueueResponse::Hook(Box::new(view())));
        let answer = send(server.router(), empty(request(method, &path))).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.json(), shown);
        let asked = asked.lock().unwrap().pop().unwrap().operation;
        let is_it = matches!(&asked, QueueOperation::Hooks(it) if *it == asked_for);
        assert!(is_it, "{asked:?}");
    }
    let (server, _) = with_queue(|| QueueResponse::Hooks(vec![view()]));
    let answer = send(server.router(), empty(request("GET", "/webhooks"))).await;
    assert_eq!(answer.json(), json!({"webhooks": [shown]}));
    for (path, method, status) in [
        ("/webhooks/x/call", "POST", StatusCode::NOT_FOUND),
        ("/webhooks/%ff", "GET", StatusCode::BAD_REQUEST),
        ("/webhooks/x/retry", "GET", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (server, asked) = with_queue(|| QueueResponse::Hook(Box::new(view())));
        let answer = send(server.router(), empty(request(method, path))).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(asked.lock().unwrap().is_empty());
    }
}
