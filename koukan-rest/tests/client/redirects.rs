use koukan_core::{
    body::Body,
    resource::{Operation, RefusalKind, ResourceResponse},
};
use koukan_rest::client::{Client, ClientError, ClientSettings};
use serde_json::{Value, json};

use crate::peer::{Peer, ask, create, read, upload};

/// One peer that sends everything to another.
async fn two(status: u16, path: &str) -> (Peer, Peer) {
    let there = Peer::answering(json!({
        "status": 201, "body": "{}", "headers": {"Location": "T"},
    }))
    .await;
    let location = format!("{}{path}", there.url());
    let here = Peer::answering(json!({"status": status, "headers": {"Location": location}})).await;
    (here, there)
}

/// A client of one peer, which may name the other.
fn client(here: &Peer, there: &Peer) -> Client {
    here.client_with(ClientSettings::default().with_other_url(&there.url()))
}

#[tokio::test]
async fn method_and_content_go_where_the_redirect_says() {
    for status in [307, 308] {
        let (mut here, mut there) = two(status, "/elsewhere/transactions").await;
        let client = client(&here, &there);
        let response = ask(&client, create()).await.unwrap();
        let ResourceResponse::Created(created) = response else {
            panic!("{response:?}");
        };
        // The location is relative to the server that has answered.
        let location = format!("{}/elsewhere/T", there.url());
        assert_eq!(created.location.as_str(), location);
        let sent = here.next("content").await;
        let request = there.next("request").await;
        assert_eq!(request["line"], "POST /elsewhere/transactions");
        let got = there.next("content").await;
        assert_eq!(got["octets"], sent["octets"]);
        assert_ne!(got["octets"], "");
    }
}

#[tokio::test]
async fn no_server_is_asked_that_is_not_listed() {
    let (here, mut there) = two(308, "/transactions/T").await;
    let body = || Body::from_static_text("hello");
    let other = format!("{}/transactions/T/body", there.url());
    for operation in [read(), create(), upload(&other, body())] {
        let error = ask(&here.client(), operation).await.unwrap_err();
        assert!(matches!(error, ClientError::Malformed(_)), "{error:?}");
    }
    // Nor is a server whose name only looks similar.
    let port = here.port;
    for location in [
        format!("http://127.0.0.1.example:{port}/transactions/T"),
        format!("http://localhost:{port}/transactions/T"),
        format!("https://127.0.0.1:{port}/transactions/T"),
        format!("//127.0.0.2:{port}/transactions/T"),
    ] {
        let answer = json!({"status": 307, "headers": {"Location": location}});
        let liar = Peer::answering(answer).await;
        let error = ask(&liar.client(), read()).await.unwrap_err();
        assert!(matches!(error, ClientError::Malformed(_)), "{error:?}");
    }
    assert!(there.is_silent().await);
}

#[tokio::test]
async fn a_transaction_elsewhere_is_not_asked_for_where_that_is_not_listed() {
    let mut there = Peer::answering(json!({"status": 200, "body": "{}"})).await;
    let elsewhere = |path: &str| format!("{}{path}", there.url());
    let status = json!({"blob_status": {"uri": elsewhere("/transactions/T/body")}});
    let here = Peer::answering(json!({
        "status": 201, "body": json!({"body": status}).to_string(),
        "headers": {"Location": elsewhere("/transactions/T")},
    }))
    .await;
    let ResourceResponse::Created(created) = ask(&here.client(), create()).await.unwrap() else {
        panic!("not created");
    };
    let uri = created.view.body.unwrap().blob_status.unwrap().uri;
    let body = Body::from_static_text("hello");
    let uploaded = ask(&here.client(), upload(uri.as_str(), body)).await;
    assert!(
        matches!(uploaded, Err(ClientError::Malformed(_))),
        "{uploaded:?}"
    );
    let cancelled = ask(&here.client(), Operation::Cancel(created.location)).await;
    assert!(
        matches!(cancelled, Err(ClientError::Malformed(_))),
        "{cancelled:?}"
    );
    assert!(there.is_silent().await);
}

#[tokio::test]
async fn other_redirects_are_no_answer_of_this_api() {
    let (here, mut there) = two(302, "/x").await;
    let error = ask(&client(&here, &there), read()).await.unwrap_err();
    assert!(matches!(error, ClientError::Malformed(_)), "{error:?}");
    assert!(there.is_silent().await);
}

#[tokio::test]
async fn redirects_are_not_followed_for_ever() {
    let mut peer = Peer::answering(json!({
        "status": 308, "headers": {"Location": "/transactions/T"},
    }))
    .await;
    let error = ask(&peer.client(), read()).await.unwrap_err();
    assert!(matches!(error, ClientError::Malformed(_)), "{error:?}");
    for _ in 0..6 {
        peer.next("request").await;
    }
    assert!(peer.is_silent().await);
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error() {
    for headers in [json!({}), json!({"Location": "mailto:x"})] {
        let peer = Peer::answering(json!({"status": 308, "headers": headers})).await;
        assert!(ask(&peer.client(), read()).await.is_err());
    }
}

#[tokio::test]
async fn an_upload_that_has_begun_is_not_followed() {
    let (here, mut there) = two(308, "/transactions/T/body").await;
    let upload = upload("/transactions/T/body", Body::from_static_text("hello"));
    let response = ask(&client(&here, &there), upload).await.unwrap();
    let ResourceResponse::Refused(refusal) = response else {
        panic!("{response:?}");
    };
    let location = format!("{}/transactions/T/body", there.url());
    let RefusalKind::Elsewhere(to) = refusal.kind else {
        panic!("{refusal:?}");
    };
    assert_eq!(to.as_str(), location);
    assert!(there.is_silent().await);
}

#[tokio::test]
async fn an_upload_of_which_nothing_came_yet_is_followed() {
    let there = Peer::answering(json!({"status": 200})).await;
    let location = format!("{}/transactions/T/body", there.url());
    let answer = json!({"status": 308, "early": true, "headers": {"Location": location}});
    let mut here = Peer::answering(answer).await;
    let mut there = there;
    let (sender, body) = crate::uploads::growing();
    let client = client(&here, &there);
    let to = "/transactions/T/body";
    let uploading = tokio::spawn(async move { ask(&client, upload(to, body)).await });
    here.next("request").await;
    there.next("request").await;
    sender.send(Ok("hello".into())).await.unwrap();
    drop(sender);
    let response = uploading.await.unwrap().unwrap();
    assert!(matches!(response, ResourceResponse::Uploaded(_)));
    let got = there.next("content").await;
    assert_eq!(
        (&got["octets"], &got["complete"]),
        (&Value::from("hello"), &Value::from(true))
    );
}

/// Shorthand for tests.
trait FromText {
    fn from_static_text(text: &'static str) -> Body;
}

impl FromText for Body {
    fn from_static_text(text: &'static str) -> Body {
        Body::from(bytes::Bytes::from_static(text.as_bytes()))
    }
}

#[tokio::test]
async fn where_a_transaction_is_is_remembered_as_long_as_it_is_there() {
    let mut there = Peer::answering(json!({"status": 200, "body": "{}"})).await;
    let location = format!("{}/transactions/T", there.url());
    let mut here = Peer::answering(json!({"status": 308, "headers": {"Location": location}})).await;
    let client = client(&here, &there);
    for _ in 0..2 {
        ask(&client, read()).await.unwrap();
        there.next("request").await;
    }
    here.next("request").await;
    assert!(here.is_silent().await);
    // The first server knows which server has the transaction if the second one is gone.
    drop(there);
    assert!(ask(&client, read()).await.is_err());
    here.next("request").await;
}
