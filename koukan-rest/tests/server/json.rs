//! JSON in requests.

use std::time::Duration;

use axum::{body::Body, http::StatusCode};
use bytes::Bytes;
use futures_util::stream;
use koukan_rest::server::ServerSettings;

use crate::support::{Answer, CREATE, answering_with, created, current, request, send};

const PATH: &str = "/senders/app/transactions";

async fn post(content_type: Option<&str>, body: Body) -> Answer {
    let settings = ServerSettings::default().with_max_json(200);
    let (server, _) = answering_with(created(), settings);
    let mut request = request("POST", PATH);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    send(server.router(), request.body(body).unwrap()).await
}

#[tokio::test]
async fn json_must_say_that_it_is() {
    for (content_type, status) in [
        (Some("application/json"), StatusCode::CREATED),
        (Some("Application/JSON; charset=utf-8"), StatusCode::CREATED),
        (Some("text/json"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            Some("application/x-www-form-urlencoded"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let answer = post(content_type, CREATE.into()).await;
        assert_eq!(answer.status, status, "{content_type:?}");
        if status != StatusCode::CREATED {
            answer.detail();
        }
    }
}

#[tokio::test]
async fn a_patch_with_content_must_say_what_it_is() {
    let (server, _) = answering_with(current("1"), ServerSettings::default());
    let request = request("PATCH", "/transactions/T")
        .body("{}".into())
        .unwrap();
    let answer = send(server.router(), request).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    for text in ["", "{", "{} {}", "\u{1}"] {
        let answer = post(Some("application/json"), text.into()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}");
        assert!(answer.detail().starts_with("the content is not JSON"));
    }
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    let json = r#"{"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob@example.com"}],
        "rcpt_to": [{"m": "carol@example.com"}]}"#;
    let answer = post(Some("application/json"), json.into()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let detail = answer.detail();
    assert!(detail.contains("the member `rcpt_to` twice"), "{detail}");
}

#[tokio::test]
async fn the_field_at_fault_is_named() {
    let json = r#"{"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob"}]}"#;
    let answer = post(Some("application/json"), json.into()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["field"], "rcpt_to[0].m");
}

#[tokio::test]
async fn what_is_too_large_is_refused_told_or_not() {
    let long = "x".repeat(201);
    let chunks = stream::iter([Ok::<_, std::io::Error>(long.clone())]);
    for body in [Body::from(long), Body::from_stream(chunks)] {
        let answer = post(Some("application/json"), body).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(answer.detail().contains("200"));
    }
}

#[tokio::test]
async fn content_that_breaks_off_is_malformed() {
    let chunks = [Ok("{}".to_owned()), Err("gone")];
    let answer = post(
        Some("application/json"),
        Body::from_stream(stream::iter(chunks)),
    )
    .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.detail(), "the content broke off");
}

#[tokio::test(start_paused = true)]
async fn who_is_too_slow_is_told_so() {
    let settings = ServerSettings::default().with_json_timeout(Duration::from_secs(5));
    let (server, asked) = answering_with(created(), settings);
    let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let request = request("POST", PATH).header("content-type", "application/json");
    let answer = send(server.router(), request.body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    answer.detail();
    assert!(asked.lock().unwrap().is_empty());
}
