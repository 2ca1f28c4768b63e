//! The `Received` field, and loops.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::{Blob, BlobPool},
    body::Body,
    context::Tls,
    filter::{
        received_header::{ReceivedHeader, ReceivedHeaderLayer},
        remote_host::{LookupStatus, RemoteHost},
    },
    middleware::DeliverRequest,
    path::Parameter,
    reply::Reply,
    service::MailService,
    signals::TraceId,
    test_util::{ManualClock, Script, context, context_from, mail, rcpt, send, send_with},
    transaction::{Driver, Transaction},
};
use tower::{BoxError, Layer, service_fn};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn layer() -> ReceivedHeaderLayer {
    let clock = Arc::new(ManualClock::default());
    ReceivedHeaderLayer::new("mx.example.com", clock).unwrap()
}

fn filtered<S: MailService>(upstream: S) -> ReceivedHeader<S> {
    layer().with_max_received_fields(2).layer(upstream)
}

fn hops(count: usize) -> String {
    "Received: by somewhere.example; yesterday\r\n".repeat(count) + MESSAGE
}

/// Sends a message in chunks of one octet.
async fn send_in_octets(service: impl MailService, message: &str) -> Reply {
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    for octet in message.as_bytes() {
        let octet = Bytes::copy_from_slice(&[*octet]);
        if driver.send(octet).await.is_err() {
            break;
        }
    }
    driver.finish().await
}

#[tokio::test]
async fn the_field_stands_before_the_message() {
    let upstream = Script::new();
    let context = Arc::new(context_from("192.0.2.1:1234", "client.example"));
    let body = Blob::from_bytes(MESSAGE.into());
    let request = DeliverRequest::new(context, mail("a@x"), body).to(rcpt("b@y"));
    let id = TraceId::of(&request.signals);
    assert!(
        send_with(filtered(upstream.clone()), request)
            .await
            .is_delivered()
    );
    let field = format!(
        "Received: from client.example ([192.0.2.1]) by mx.example.com with ESMTP\r\n \
         id {id} for <b@y>; Fri, 2 Jan 2026 03:04:05 +0000\r\n"
    );
    assert_eq!(upstream.only_received().text(), field + MESSAGE);
}

#[tokio::test]
async fn a_message_in_chunks_gets_the_same_field() {
    let upstream = Script::new();
    let reply = send_in_octets(filtered(upstream.clone()), MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    let received = upstream.only_received();
    let (field, message) = received.text().split_once("+0000\r\n").unwrap();
    assert!(field.contains("for <b@y>"), "{field}");
    assert_eq!(message, MESSAGE);
}

#[tokio::test]
async fn no_recipient_learns_of_another() {
    let upstream = Script::new().rcpt("c@y", Reply::no_such_user());
    let to = ["b@y", "c@y"].map(rcpt);
    let _ = send(filtered(upstream.clone()), mail("a@x"), to, MESSAGE).await;
    let received = upstream.only_received();
    assert!(!received.text().contains(" for "), "{}", received.text());
}

#[tokio::test]
async fn a_recipient_is_not_named_while_another_may_come() {
    let service = filtered(service_fn(|mut tx: Transaction| async move {
        let first = tx.recipients.next().await?.ok_or("no recipient")?;
        let chunk = tx.body.next().await?.unwrap();
        assert!(!chunk.windows(4).any(|word| word == b" for"), "{chunk:?}");
        first.answer(Reply::recipient_ok());
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    let to = ["b@y", "c@y"].map(rcpt);
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    for rcpt in to {
        drop(driver.rcpt(rcpt).await);
    }
    driver.whole_body(Body::from(Bytes::from(MESSAGE)));
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test]
async fn a_loop_is_refused() {
    for (count, expected) in [
        (0, Reply::message_accepted()),
        (2, Reply::message_accepted()),
        (3, Reply::routing_loop()),
        (200, Reply::routing_loop()),
    ] {
        let upstream = Script::new();
        let service = filtered(upstream.clone());
        let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], hops(count)).await;
        assert_eq!(outcome.message, Some(expected.clone()), "{count} hops");
        assert_eq!(send_in_octets(service, &hops(count)).await, expected);
    }
}

#[tokio::test]
async fn a_hundred_hops_are_not_too_many() {
    for (count, expected) in [
        (100, Reply::message_accepted()),
        (101, Reply::routing_loop()),
    ] {
        let service = layer().layer(Script::new());
        let outcome = send(service, mail("a@x"), [rcpt("b@y")], hops(count)).await;
        assert_eq!(outcome.message, Some(expected));
    }
}

#[tokio::test]
async fn what_was_prepended_before_counts() {
    let service = filtered(Script::new());
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    let mut body = Body::from(Blob::from_bytes(hops(2).into()));
    body.prepend("Received: by me\r\n".into());
    driver.whole_body(body);
    assert_eq!(driver.finish().await, Reply::routing_loop());
}

#[tokio::test]
async fn a_message_stays_a_blob_while_it_grows() {
    let (mut writer, blob) = BlobPool::default().create();
    let id = blob.id();
    let service = filtered(service_fn(move |mut tx: Transaction| async move {
        tx.body.ready().await?;
        let (prefix, same) = tx.body.into_blob().map_err(|_| "not a blob")?;
        assert_eq!((prefix.len(), same.id()), (1, id));
        assert!(prefix[0].starts_with(b"Received: by mx.example.com"));
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    driver.whole_body(blob.into());
    // The header section must be there, the rest need not.
    writer
        .append("Subject: hi\r\n\r\nhel".into())
        .await
        .unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test]
async fn the_host_name_is_checked() {
    let clock = Arc::new(ManualClock::default());
    assert!(ReceivedHeaderLayer::new("mx example", clock.clone()).is_err());
    assert!(ReceivedHeaderLayer::new("[192.0.2.1]", clock).is_ok());
}

/// The message that goes upstream, without the field.
async fn behind_the_field(message: &str) -> [String; 2] {
    let upstream = Script::new();
    let outcome = send(
        filtered(upstream.clone()),
        mail("a@x"),
        [rcpt("b@y")],
        message.to_owned(),
    );
    assert!(outcome.await.is_delivered());
    let whole = upstream.only_received().text().to_owned();
    let upstream = Script::new();
    let reply = send_in_octets(filtered(upstream.clone()), message).await;
    assert_eq!(reply, Reply::message_accepted());
    let in_octets = upstream.only_received().text().to_owned();
    [whole, in_octets].map(|text| text.split_once("+0000\r\n").unwrap().1.to_owned())
}

#[tokio::test]
async fn what_is_no_header_section_does_not_become_a_part_of_the_field() {
    for (message, expected) in [
        (MESSAGE, MESSAGE),
        ("\r\nhello\r\n", "\r\nhello\r\n"),
        (
            " for <eve@example.com>\r\n",
            "\r\n for <eve@example.com>\r\n",
        ),
        (
            "\tSubject: hi\r\n\r\nx\r\n",
            "\r\n\tSubject: hi\r\n\r\nx\r\n",
        ),
        ("hello\r\nyou\r\n", "\r\nhello\r\nyou\r\n"),
        ("", "\r\n"),
        (
            "From a Fri Jan  2 03:04:05 2026\r\nSubject: hi\r\n\r\nx\r\n",
            "X-Mailbox-Line: From a Fri Jan  2 03:04:05 2026\r\nSubject: hi\r\n\r\nx\r\n",
        ),
    ] {
        assert_eq!(
            behind_the_field(message).await,
            [expected; 2],
            "{message:?}"
        );
    }
}

#[tokio::test]
async fn the_declared_size_grows_by_more_than_the_longest_field() {
    let upstream = Script::new();
    let label = "a".repeat(63);
    let name = [&*label, &label, &label, &label[..61]].join(".");
    let layer = ReceivedHeaderLayer::new(&name, Arc::new(ManualClock::default())).unwrap();
    let address = "[2001:db8:1111:2222:3333:4444:5555:6666]:1234";
    let mut context = context_from(address, &name);
    context.tls = Some(Tls {
        version: "v".repeat(100).into(),
        cipher: "c".repeat(100).into(),
        client: None,
    });
    let message = "hello\r\n";
    let mut mail = mail("a@x");
    let size = Parameter::new("SIZE", Some(&message.len().to_string())).unwrap();
    mail.parameters.push(size).unwrap();
    let body = Blob::from_bytes(message.into());
    let to = rcpt(&format!("{}@y", "b".repeat(252)));
    let request = DeliverRequest::new(Arc::new(context), mail, body).to(to);
    let confirmed = RemoteHost {
        status: LookupStatus::Ok,
        remote_hostname: Some(name),
        fcrdns: Some(true),
        ehlo_alignment: Some(true),
    };
    request.signals.set_durable(&confirmed).unwrap();
    let outcome = send_with(layer.layer(upstream.clone()), request).await;
    assert!(outcome.is_delivered());
    let received = upstream.only_received();
    let declared = received.mail.parameters.size().unwrap();
    let actual = received.body.len() as u64;
    assert!(
        actual > 1250 && (actual..actual + 300).contains(&declared),
        "{actual} {declared}"
    );
}
