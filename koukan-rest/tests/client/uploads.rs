use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use koukan_core::{
    body::{Body, BodyError},
    resource::{Location, Operation, Range, RefusalKind, ResourceResponse, Upload, Uploaded},
    transaction::Aborted,
};
use koukan_rest::client::{ClientError, ClientSettings};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use crate::peer::{Peer, ask, upload};

const BODY: &str = "/transactions/T/body";

struct Growing(mpsc::Receiver<Result<Bytes, BodyError>>);

impl Stream for Growing {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// A body that grows with each chunk that is sent, and ends cleanly when the sender is dropped.
pub(crate) fn growing() -> (mpsc::Sender<Result<Bytes, BodyError>>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Body::from_stream(Growing(receiver)))
}

async fn peer() -> Peer {
    Peer::answering(json!({"body": ""})).await
}

#[tokio::test]
async fn octets_are_sent_as_they_come() {
    let mut peer = peer().await;
    let (sender, body) = growing();
    let client = peer.client();
    let uploading = tokio::spawn(async move { ask(&client, upload(BODY, body)).await });
    for piece in ["Subject: hi\r\n", "", "\r\nhello\r\n"] {
        sender.send(Ok(piece.into())).await.unwrap();
        if !piece.is_empty() {
            assert_eq!(peer.next("piece").await["octets"], piece);
        }
    }
    assert!(!uploading.is_finished());
    drop(sender);
    let uploaded = Uploaded {
        len: 22,
        total: Some(22),
        finalized: true,
    };
    let response = uploading.await.unwrap().unwrap();
    assert_eq!(response, ResourceResponse::Uploaded(uploaded));
    let content = peer.next("content").await;
    assert_eq!(content["octets"], "Subject: hi\r\n\r\nhello\r\n");
}

#[tokio::test]
async fn a_length_that_is_known_is_told() {
    let mut peer = peer().await;
    let body = Body::from(Bytes::from_static(b"hello"));
    ask(&peer.client(), upload(BODY, body)).await.unwrap();
    let headers = peer.next("request").await["headers"].clone();
    assert_eq!(headers["content-length"], "5");
    assert_eq!(headers["transfer-encoding"], Value::Null);
    assert_eq!(peer.next("content").await["octets"], "hello");
}

#[tokio::test]
async fn a_body_that_breaks_off_never_looks_complete() {
    let mut peer = peer().await;
    let (sender, body) = growing();
    let client = peer.client();
    let uploading = tokio::spawn(async move { ask(&client, upload(BODY, body)).await });
    sender.send(Ok("hello".into())).await.unwrap();
    peer.next("piece").await;
    sender.send(Err(Aborted.into())).await.unwrap();
    let error = uploading.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Body(_)), "{error:?}");
    assert_eq!(peer.next("content").await["complete"], false);
    assert!(peer.is_silent().await);
}

#[tokio::test]
async fn an_upload_that_is_dropped_never_looks_complete() {
    let mut peer = peer().await;
    let (sender, body) = growing();
    let client = peer.client();
    let uploading = tokio::spawn(async move { ask(&client, upload(BODY, body)).await });
    sender.send(Ok("hello".into())).await.unwrap();
    peer.next("piece").await;
    uploading.abort();
    assert_eq!(peer.next("content").await["complete"], false);
    // The body is dropped, too.
    timeout(Duration::from_secs(5), sender.closed())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_may_answer_before_the_end() {
    let mut peer = Peer::answering(json!({"status": 413, "early": true})).await;
    let (sender, body) = growing();
    let client = peer.client();
    sender.send(Ok("hello".into())).await.unwrap();
    let response = ask(&client, upload(BODY, body));
    let response = timeout(Duration::from_secs(5), response).await.unwrap();
    let ResourceResponse::Refused(refusal) = response.unwrap() else {
        panic!("not refused");
    };
    assert_eq!(refusal.kind, RefusalKind::TooLarge);
    assert_eq!(peer.next("content").await["complete"], false);
    timeout(Duration::from_secs(5), sender.closed())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_that_takes_nothing_holds_the_sender_back_and_is_given_up() {
    let peer = Peer::answering(json!({"deaf": true})).await;
    let settings = ClientSettings::default().with_idle_timeout(Duration::from_millis(300));
    let client = peer.client_with(settings);
    let (sender, body) = growing();
    let uploading = tokio::spawn(async move { ask(&client, upload(BODY, body)).await });
    let chunk = Bytes::from(vec![b'x'; 1 << 20]);
    let mut sent = 0;
    while sent < 100 && sender.send(Ok(chunk.clone())).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 50, "{sent} MiB were buffered");
    let error = uploading.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Elapsed), "{error:?}");
}

#[tokio::test]
async fn a_slow_originator_is_waited_for() {
    let peer = peer().await;
    let settings = ClientSettings::default().with_idle_timeout(Duration::from_millis(50));
    let settings = settings.with_response_timeout(Duration::from_millis(500));
    let client = peer.client_with(settings);
    let (sender, body) = growing();
    let uploading = tokio::spawn(async move { ask(&client, upload(BODY, body)).await });
    sender.send(Ok("hello".into())).await.unwrap();
    let early = timeout(Duration::from_millis(400), sender.closed()).await;
    assert!(early.is_err(), "the upload was given up");
    drop(sender);
    assert!(uploading.await.unwrap().is_ok());
}

#[tokio::test]
async fn ranges_are_told_and_what_the_server_has_is_read() {
    let answer = json!({"headers": {"Content-Range": "bytes 0-9/20"}});
    let mut peer = Peer::answering(answer).await;
    let operation = Operation::Upload(Upload {
        to: Location::new(BODY),
        range: Some(Range {
            start: 5,
            end: Some(10),
            total: Some(20),
        }),
        content: Body::from(Bytes::from_static(b"hello")),
    });
    let response = ask(&peer.client(), operation).await.unwrap();
    let uploaded = Uploaded {
        len: 10,
        total: Some(20),
        finalized: false,
    };
    assert_eq!(response, ResourceResponse::Uploaded(uploaded));
    let headers = peer.next("request").await["headers"].clone();
    assert_eq!(headers["content-range"], "bytes 5-9/20");
}
