//! Delivery to a receiving application that follows the REST API exactly.

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    body::Body,
    filter::message_parser::MessageParserLayer,
    message::parser::ParsedMessage,
    reply::Reply,
    service::MailService,
    signals::{Parsed, Signals},
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{context, mail, rcpt},
    transaction::Driver,
};
use koukan_rest::client::Client;
use serde_json::{Value, json};
use tower::Layer;

use crate::peer::Peer;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

async fn receiver() -> Peer {
    Peer::run("koukan_receiver.py", &["carol@y".into()]).await
}

fn endpoint(peer: &Peer) -> RestEndpoint<Client> {
    let settings = RestEndpointSettings::default().with_incremental(false);
    RestEndpoint::new(peer.client(), settings)
}

/// Sends everything at once, as a queue does.
async fn send(
    service: impl MailService,
    signals: Signals,
    to: &str,
    message: impl Into<Bytes>,
) -> (Reply, Reply) {
    let (mut driver, _mail) = Driver::start_with(service, context(), mail("a@x"), signals);
    let recipient = driver.rcpt(rcpt(to)).await;
    driver.whole_body(Blob::from_bytes(message.into()).into());
    let reply = driver.finish().await;
    (driver.wait(recipient).await, reply)
}

#[tokio::test]
async fn a_small_message_is_one_request() {
    let mut peer = receiver().await;
    let (rcpt, reply) = send(endpoint(&peer), Signals::default(), "b@y", MESSAGE).await;
    assert_eq!(rcpt.to_string(), "250 2.1.5 ok");
    assert_eq!(reply.to_string(), "250 2.6.0 received");
    let end = peer.next("end").await;
    assert_eq!(end["request"]["body"]["inline"], MESSAGE);
    assert_eq!(end["request"]["mail_from"], json!({"m": "a@x"}));
    assert_eq!(end["parsed"], Value::Null);
}

#[tokio::test]
async fn a_large_message_is_uploaded() {
    let mut peer = receiver().await;
    let message = MESSAGE.replace("hello", &"hello\r\n".repeat(100_000));
    let (_, reply) = send(endpoint(&peer), Signals::default(), "b@y", message.clone()).await;
    assert!(reply.is_positive(), "{reply}");
    assert_eq!(peer.next("end").await["message"], message);
}

#[tokio::test]
async fn a_message_that_comes_piece_by_piece_is_streamed() {
    let mut peer = receiver().await;
    let (mut driver, mail) = Driver::start(endpoint(&peer), context(), mail("a@x"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await.to_string(), "250 2.1.5 ok");
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    driver.send("\r\nhello\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await.to_string(), "250 2.6.0 received");
    assert_eq!(peer.next("end").await["message"], MESSAGE);
}

#[tokio::test]
async fn a_parsed_message_comes_with_its_blobs_before_the_message() {
    let mut peer = receiver().await;
    let signals = Signals::default();
    let message = ParsedMessage {
        json: json!({
            "headers": [["subject", "hi"]],
            "text_body": [{"content_type": "text/plain", "content": {"create_id": "0"}}],
            "file_attachments": [{"content_type": "image/png", "content": {"create_id": "1"}}],
        }),
        blobs: vec![("0".into(), "hello\r\n".into()), ("1".into(), "PNG".into())],
    };
    signals.set(Parsed(Arc::new(message))).unwrap();
    let (_, reply) = send(endpoint(&peer), signals, "b@y", MESSAGE).await;
    assert_eq!(reply.to_string(), "250 2.6.0 received");
    let end = peer.next("end").await;
    assert_eq!(end["parsed"]["headers"][0][1], "hi");
    assert_eq!(end["blobs"], json!({"0": "hello\r\n", "1": "PNG"}));
    assert_eq!(end["message"], MESSAGE);
}

#[tokio::test]
async fn what_the_message_parser_makes_is_what_a_receiver_gets() {
    let mut peer = receiver().await;
    let service = MessageParserLayer::default().layer(endpoint(&peer));
    let message = "Subject: cat\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
        --b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=cat.png\r\n\
        Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    let (_, reply) = send(service, Signals::default(), "b@y", message).await;
    assert_eq!(reply.to_string(), "250 2.6.0 received");
    let end = peer.next("end").await;
    assert_eq!(end["message"], message);
    assert!(end["parsed"].is_object(), "{end}");
    let attachment = &end["parsed"]["file_attachments"][0];
    assert_eq!(attachment["filename"], "cat.png", "{end}");
    let id = attachment["content"]["create_id"].as_str().unwrap();
    assert_eq!(end["blobs"][id], "\u{89}PNG\r\n\u{1a}\n");
}

#[tokio::test]
async fn a_refused_recipient_is_the_answer() {
    let peer = receiver().await;
    let (mut driver, _mail) = Driver::start(endpoint(&peer), context(), mail("a@x"));
    let carol = driver.rcpt(rcpt("carol@y")).await;
    let reply = driver.wait(carol).await;
    assert_eq!(reply.to_string(), "550 5.1.1 no such user");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels() {
    let mut peer = receiver().await;
    let (mut driver, _mail) = Driver::start(endpoint(&peer), context(), mail("a@x"));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let pause = std::time::Duration::from_millis(100);
    let _ = tokio::time::timeout(pause, driver.progress()).await;
    drop(driver);
    let end = peer.next("end").await;
    assert_eq!(end["reason"], "cancelled");
    assert_eq!(end["message"], Value::Null);
}

#[tokio::test]
async fn a_message_that_fails_cancels() {
    let mut peer = receiver().await;
    let rejecting = tower::ServiceBuilder::new()
        .map_request(|tx: koukan_core::transaction::Transaction| {
            tx.map_body(|_| {
                let (sender, body) = crate::uploads::growing();
                let rejection = koukan_core::reply::Rejection::new(Reply::bad_content());
                sender.try_send(Err(rejection.into())).unwrap();
                body
            })
        })
        .service(endpoint(&peer));
    let (mut driver, _mail) = Driver::start(rejecting, context(), mail("a@x"));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.whole_body(Body::empty());
    assert_eq!(driver.finish().await, Reply::bad_content());
    assert_eq!(peer.next("end").await["reason"], "cancelled");
}
