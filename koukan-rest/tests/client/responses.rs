use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{
        BadAnswer, Location, Operation, Read, RefusalKind, ResourceResponse, Version, View, WaitFor,
    },
};
use koukan_rest::client::{ClientError, ClientSettings};
use serde_json::{Value, json};

use crate::peer::{Peer, ask, create, read};

async fn current(answer: Value) -> (Peer, View, Version) {
    let peer = Peer::answering(answer).await;
    match ask(&peer.client(), read()).await.unwrap() {
        ResourceResponse::Current { view, version } => (peer, *view, version),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn entity_tags_go_back_as_they_came() {
    for tag in ["\"1\"", "1", "W/\"1\""] {
        let answer = json!({"body": "{}", "headers": {"ETag": tag}});
        let (mut peer, _, version) = current(answer).await;
        peer.next("request").await;
        let again = Operation::Read(Read {
            transaction: Location::new("/transactions/T"),
            if_none_match: Some(version),
            wait: None,
            wait_for: WaitFor::End,
        });
        ask(&peer.client(), again).await.unwrap();
        let request = peer.next("request").await;
        assert_eq!(request["headers"]["if-none-match"], tag);
    }
}

#[tokio::test]
async fn a_server_without_entity_tags_is_read_again_and_again() {
    let (mut peer, _, version) = current(json!({"body": "{}"})).await;
    peer.next("request").await;
    let again = Operation::Read(Read {
        transaction: Location::new("/transactions/T"),
        if_none_match: Some(version.clone()),
        wait: Some(Duration::from_secs(30)),
        wait_for: WaitFor::End,
    });
    let response = ask(&peer.client(), again).await.unwrap();
    assert!(matches!(response, ResourceResponse::Current { version: now, .. } if now == version));
    let headers = peer.next("request").await["headers"].clone();
    assert_eq!(headers["if-none-match"], Value::Null);
    // Without an entity tag the server would wait for the end, not for a change.
    assert_eq!(headers["request-timeout"], Value::Null);
}

#[tokio::test]
async fn uris_are_resolved_against_the_one_that_was_asked() {
    let body = json!({"body": {
        "blob_status": {"uri": "T/body"},
        "message_builder": {"uri": "http://b.example/x/../y"},
    }});
    let (peer, view, _) = current(json!({"body": body.to_string()})).await;
    let body = view.body.unwrap();
    assert_eq!(
        body.blob_status.unwrap().uri.as_str(),
        format!("{}/transactions/T/body", peer.url())
    );
    assert_eq!(
        body.message_builder.unwrap().uri.unwrap().as_str(),
        "http://b.example/y"
    );
}

#[tokio::test]
async fn replies_come_with_their_enhanced_codes() {
    let body = json!({"mail_response": {"code": 250, "message": "2.1.0 sender ok"}});
    let (_peer, view, _) = current(json!({"body": body.to_string()})).await;
    assert_eq!(view.mail_response, Some(Reply::sender_ok()));
}

#[tokio::test]
async fn refusals_are_read_whatever_they_are_written_in() {
    let problem = json!({"detail": "rcpt_to[0].m: no", "field": "rcpt_to[0].m"}).to_string();
    for (status, body, kind, text) in [
        (400, &*problem, RefusalKind::Malformed, "rcpt_to[0].m: no"),
        (
            404,
            "<html>",
            RefusalKind::NotFound,
            "the server answered 404 Not Found",
        ),
        (
            500,
            "",
            RefusalKind::Internal,
            "the server answered 500 Internal Server Error",
        ),
    ] {
        let peer = Peer::answering(json!({"status": status, "body": body})).await;
        let response = ask(&peer.client(), create()).await.unwrap();
        let ResourceResponse::Refused(refusal) = response else {
            panic!("{response:?}");
        };
        assert_eq!(refusal.kind, kind);
        assert_eq!(refusal.to_string(), text);
    }
    let answer = json!({"status": 503, "headers": {"Retry-After": "7"}});
    let peer = Peer::answering(answer).await;
    let response = ask(&peer.client(), read()).await.unwrap();
    let ResourceResponse::Refused(refusal) = response else {
        panic!("{response:?}");
    };
    let retry_after = Duration::from_secs(7);
    assert_eq!(refusal.kind, RefusalKind::Unavailable { retry_after });
}

#[tokio::test]
async fn what_is_no_answer_of_this_api_is_an_error() {
    for (answer, operation) in [
        (json!({"body": "<html>hello</html>"}), read()),
        (json!({"body": "[]"}), read()),
        (json!({"status": 201, "body": "{}"}), create()),
        (json!({"status": 304}), read()),
    ] {
        let peer = Peer::answering(answer).await;
        let error = ask(&peer.client(), operation).await.unwrap_err();
        assert!(matches!(error, ClientError::Malformed(_)), "{error:?}");
    }
}

#[tokio::test]
async fn answers_that_are_too_long_are_not_read() {
    let long = "x".repeat(2000);
    let peer = Peer::answering(json!({"body": long})).await;
    let settings = ClientSettings::default().with_response_max(1000);
    let error = ask(&peer.client_with(settings), read()).await.unwrap_err();
    let bad = BadAnswer::of(&error).unwrap();
    assert_eq!((&*bad.method, bad.status), ("GET", Some(200)));
    assert_eq!(&*bad.excerpt, "x".repeat(200));
}

#[tokio::test]
async fn a_create_may_be_answered_without_a_location() {
    for (body, location) in [
        (json!({"uri": "/transactions/7"}), "/transactions/7"),
        (
            json!({"body": {"blob_status": {"uri": "/t/8/body"}}}),
            "/t/8",
        ),
        (
            json!({"body": {"message_builder": {"uri": "/t/9/message_builder"}}}),
            "/t/9",
        ),
        (
            json!({"data_response": {"code": 250}}),
            "/senders/app/transactions",
        ),
    ] {
        let answer = json!({"status": 201, "body": body.to_string()});
        let peer = Peer::answering(answer).await;
        let response = ask(&peer.client(), create()).await.unwrap();
        let ResourceResponse::Created(created) = response else {
            panic!("{response:?}");
        };
        let told = created.location.as_str();
        assert!(
            told.starts_with("http://") && told.ends_with(location),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_breaks_the_contract_is_told_with_request_status_and_text() {
    let answer = json!({"body": "<html>\u{1b}hello</html>"});
    let peer = Peer::answering(answer).await;
    let error = ask(&peer.client(), read()).await.unwrap_err();
    let bad = BadAnswer::of(&error).unwrap();
    assert_eq!((&*bad.method, bad.status), ("GET", Some(200)));
    assert!(bad.url.starts_with("http://127.0.0.1:"), "{}", bad.url);
    assert_eq!(&*bad.excerpt, "<html>\u{1b}hello</html>");
    assert!(
        bad.to_string()
            .ends_with(r#" 200 "<html>\u{1b}hello</html>""#),
        "{bad}"
    );
    for status in [302, 204] {
        let answer = json!({"status": status});
        let peer = Peer::answering(answer).await;
        let error = ask(&peer.client(), create()).await.unwrap_err();
        assert_eq!(BadAnswer::of(&error).unwrap().status, Some(status));
    }
}
