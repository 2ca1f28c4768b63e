//! The server in front of the real handler, as in an agent: whole transactions, step by step.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use koukan_core::{
    blob::BlobPool,
    context::Sender,
    service::BoxMailService,
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::{MemoryBackend, Storage},
    test_util::{Script, TokioClock},
};
use koukan_rest::server::{Server, ServerSettings};

use crate::support::{Answer, empty, json_request, request, send};

/// An agent with an application `app` and a gateway `gw` in front of a scripted upstream.
async fn agent(upstream: &Script) -> Router {
    let clock = Arc::new(TokioClock::default());
    let storage = Storage::open(Arc::new(MemoryBackend::new()), BlobPool::default(), clock);
    let storage = storage.await.unwrap();
    let chain = Chain {
        service: BoxMailService::new(upstream.clone()),
        retry: RetryPolicy::default()
            .with_min_attempt_time(Duration::from_secs(60))
            .with_max_attempt_time(Duration::from_secs(600))
            .with_max_attempts(Some(5))
            .with_deadline(Duration::from_secs(3600)),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let senders = HashMap::from([
        (Sender::new("app"), SenderPolicy::default()),
        (Sender::new("gw"), SenderPolicy::incremental()),
    ]);
    let output = OutputHandler::new(chain, notifications);
    let handler = RestHandler::new(storage, output, senders, RestHandlerSettings::default());
    Server::new(handler, ServerSettings::default()).router()
}

fn create(sender: &str, json: &str) -> Request<Body> {
    json_request("POST", &format!("/senders/{sender}/transactions"), json)
}

/// Reads version after version until the transaction is final, as a client does.
async fn finish(router: &Router, path: &str) -> Answer {
    let mut known = String::new();
    loop {
        let mut read = request("GET", path).header("request-timeout", "20");
        if !known.is_empty() {
            read = read.header("if-none-match", &known);
        }
        let answer = send(router.clone(), empty(read)).await;
        assert_eq!(answer.status, StatusCode::OK);
        if answer.json().get("final_attempt_reason").is_some() {
            return answer;
        }
        known = answer.header("etag").to_owned();
    }
}

const INLINE: &str = r#"{"mail_from": {"m": "alice@example.com"},
    "rcpt_to": [{"m": "bob@example.com"}], "body": {"inline": "Subject: hi\r\n\r\nhello\r\n"}}"#;

const ENVELOPE: &str =
    r#"{"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob@example.com"}]}"#;

#[tokio::test(start_paused = true)]
async fn one_round_trip_sends_a_mail_and_tells_what_became_of_it() {
    let upstream = Script::new();
    let router = agent(&upstream).await;
    let mut create = create("app", INLINE);
    create
        .headers_mut()
        .insert("prefer", "wait=10".parse().unwrap());
    let answer = send(router, create).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["data_response"]["code"], 250);
    assert!(answer.json()["final_attempt_reason"].is_string());
    assert!(upstream.only_received().text().ends_with("hello\r\n"));
}

#[tokio::test(start_paused = true)]
async fn the_same_key_makes_the_same_transaction() {
    let upstream = Script::new();
    let router = agent(&upstream).await;
    let keyed = async |json: &str| {
        let mut create = create("app", json);
        let headers = create.headers_mut();
        headers.insert("idempotency-key", "k".parse().unwrap());
        headers.insert("prefer", "wait=10".parse().unwrap());
        send(router.clone(), create).await
    };
    let first = keyed(INLINE).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let spaced = INLINE.replace("\": ", "\" :\n").replace(", ", ",\t");
    assert_ne!(spaced, INLINE);
    for same in [INLINE, &spaced] {
        let second = keyed(same).await;
        assert_eq!(second.status, StatusCode::CREATED);
        assert_eq!(second.header("idempotency-replayed"), "true");
        assert_eq!(first.header("location"), second.header("location"));
    }
    for other in [&INLINE.replace("hello", "other"), ENVELOPE] {
        let refused = keyed(other).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.detail().starts_with("Idempotency-Key: "));
    }
    assert!(upstream.only_received().text().ends_with("hello\r\n"));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_uploaded_in_ranges() {
    let upstream = Script::new();
    let router = agent(&upstream).await;
    let created = send(router.clone(), create("app", ENVELOPE)).await;
    let path = created.header("location").to_owned();
    let json = created.json();
    let body = json["body"]["blob_status"]["uri"].as_str().unwrap();
    for (range, content, status, told) in [
        ("bytes 0-4/*", "A: b\r", 200, "bytes 0-4/*"),
        ("bytes 9-9/*", "x", 416, "bytes */5"),
        ("bytes 5-8/9", "\n\r\nc", 200, "bytes 0-8/9"),
    ] {
        let put = request("PUT", body).header("content-range", range);
        let answer = send(router.clone(), put.body(content.into()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{range}");
        assert_eq!(answer.header("content-range"), told, "{range}");
    }
    let answer = finish(&router, &path).await;
    assert_eq!(answer.json()["data_response"]["code"], 250);
    assert_eq!(upstream.only_received().text(), "A: b\r\n\r\nc");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_goes_step_by_step() {
    let upstream = Script::new();
    let router = agent(&upstream).await;
    let mail = r#"{"mail_from": {"m": "alice@example.com"}}"#;
    let created = send(router.clone(), create("gw", mail)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let path = created.header("location").to_owned();

    let rcpt = r#"{"rcpt_to": [{"m": "bob@example.com"}], "rcpt_to_list_offset": 0}"#;
    let missing = send(router.clone(), json_request("PATCH", &path, rcpt)).await;
    assert_eq!(missing.status, StatusCode::PRECONDITION_REQUIRED);
    let patch = |version: &str| {
        let mut patch = json_request("PATCH", &path, rcpt);
        patch
            .headers_mut()
            .insert("if-match", version.parse().unwrap());
        patch
    };
    let wrong = send(router.clone(), patch("\"other\"")).await;
    assert_eq!(wrong.status, StatusCode::PRECONDITION_FAILED);
    let patched = send(router.clone(), patch("*")).await;
    assert_eq!(patched.status, StatusCode::OK);
    assert_eq!(patched.json()["rcpt_to"].as_array().unwrap().len(), 1);

    let put = request("PUT", &format!("{path}/body")).body("A: b\r\n\r\nc\r\n".into());
    let uploaded = send(router.clone(), put.unwrap()).await;
    assert_eq!(uploaded.status, StatusCode::OK);
    let answer = finish(&router, &path).await;
    assert_eq!(answer.json()["rcpt_response"][0]["code"], 250);
    assert_eq!(answer.json()["data_response"]["code"], 250);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_stays_so() {
    let router = agent(&Script::new()).await;
    let created = send(router.clone(), create("app", ENVELOPE)).await;
    let path = format!("{}/cancel", created.header("location"));
    for _ in 0..2 {
        let answer = send(router.clone(), empty(request("POST", &path))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["cancelled"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let router = agent(&Script::new()).await;
    for asked in [
        empty(request("GET", "/transactions/T")),
        empty(request("POST", "/transactions/T/cancel")),
        empty(request("PUT", "/transactions/T/body")),
        empty(request("GET", "/senders/nobody/transactions")),
        create("nobody", INLINE),
    ] {
        let answer = send(router.clone(), asked).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        answer.detail();
    }
    let listed = send(router, empty(request("GET", "/senders/app/transactions"))).await;
    assert_eq!(listed.status, StatusCode::OK);
}
