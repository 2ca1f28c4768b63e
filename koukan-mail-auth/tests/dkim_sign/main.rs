//! The filter that signs, between a client and a scripted destination.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::{BlobPool, Limits},
    body::Body,
    message::builder::{Composition, Spec},
    path::Parameter,
    reply::Reply,
    test_util::{ManualClock, Script, context, mail, rcpt, send},
    transaction::Driver,
};
use koukan_mail_auth::{
    dkim::{Algorithm, HEADER_MAX, SignatureSpec, SigningKey},
    dkim_sign::{Author, DkimSignLayer, Key, SharedKey},
};
use tower::Layer;

const MESSAGE: &str =
    "From: Alice <alice@example.com>\r\nTo: bob@y\r\nSubject: hi\r\n\r\nhello\r\n";

fn secret() -> SharedKey {
    let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    SharedKey::new(key)
}

fn key(domain: &str, selector: &str) -> Key {
    Key::new(SignatureSpec::new(domain, selector), secret())
}

fn layer(keys: impl IntoIterator<Item = Key>) -> DkimSignLayer {
    let clock = ManualClock::at(Timestamp::from_second(1_767_322_800).unwrap());
    DkimSignLayer::new(keys, Arc::new(clock))
}

/// The message that goes on, for one from `alice@z.example`.
async fn signed(layer: DkimSignLayer, message: impl Into<Bytes>) -> String {
    let upstream = Script::new();
    let service = layer.layer(upstream.clone());
    let outcome = send(service, mail("alice@z.example"), [rcpt("bob@y")], message).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let received = upstream.received();
    String::from_utf8(received[0].body.to_vec()).unwrap()
}

/// The selectors of the signatures at the top of a message, and the rest of the message.
fn selectors(message: &str) -> (Vec<String>, &str) {
    let (mut found, mut rest) = (Vec::new(), message);
    while rest.starts_with("DKIM-Signature:") {
        let ends = rest.match_indices("\r\n");
        let is_end = |at: &usize| !rest[at + 2..].starts_with(['\t', ' ']);
        let end = ends.map(|(at, _)| at).find(is_end).unwrap();
        let field = unfolded(&rest[..end]);
        let (_, tag) = field.split_once(" s=").unwrap();
        found.push(tag.split(';').next().unwrap().to_owned());
        rest = &rest[end + 2..];
    }
    (found, rest)
}

fn unfolded(text: &str) -> String {
    text.replace("\r\n\t", " ")
}

#[tokio::test]
async fn each_key_of_the_author_signs_and_the_message_stays() {
    let keys = [
        key("example.com", "one"),
        key("example.org", "other"),
        key("Example.COM", "two"),
    ];
    let message = signed(layer(keys), MESSAGE).await;
    let expected = ["one", "two"].map(str::to_owned).to_vec();
    assert_eq!(selectors(&message), (expected, MESSAGE));
    let flat = unfolded(&message);
    assert!(flat.contains(" t=1767322800;"), "{message}");
    for line in message.lines() {
        assert!(line.len() <= 78, "{line}");
    }
    // A sealed name stands in `h=` once more than its fields are present.
    assert!(
        flat.contains(" h=From:From:To:To:Cc:Subject:Subject:Date:"),
        "{message}"
    );
}

#[tokio::test]
async fn who_is_no_author_signs_nothing() {
    for (message, expected) in [
        (MESSAGE, vec!["s"]),
        ("From: a@mail.example.com\r\n\r\nx\r\n", vec![]),
        ("From: a@example.org\r\n\r\nx\r\n", vec![]),
        ("From: a@example.org, b@example.com\r\n\r\nx\r\n", vec![]),
        ("From: a@example.com, b@example.org\r\n\r\nx\r\n", vec!["s"]),
        (
            "From: a@example.com\r\nFrom: a@example.com\r\n\r\nx\r\n",
            vec![],
        ),
        ("Subject: hi\r\n\r\nFrom: a@example.com\r\n", vec![]),
        ("\r\nFrom: a@example.com\r\n", vec![]),
        ("hello", vec![]),
        ("hello\r\nFrom: a@example.com\r\n\r\n", vec![]),
        ("", vec![]),
        ("From: a@example.com", vec!["s"]),
        ("From: a@example.com\r\n", vec!["s"]),
        ("From: a@example.com\r\n\r\n", vec!["s"]),
    ] {
        let sent = signed(layer([key("example.com", "s")]), message).await;
        let (found, rest) = selectors(&sent);
        assert_eq!(
            (found, rest),
            (expected.into_iter().map(str::to_owned).collect(), message)
        );
    }
}

#[tokio::test]
async fn keys_for_subdomains_for_everybody_and_by_the_reverse_path() {
    let message = "From: a@mail.example.com\r\n\r\nx\r\n";
    let below = key("example.com", "s").with_subdomains();
    assert_eq!(selectors(&signed(layer([below]), message).await).0, ["s"]);
    let all = key("esp.example", "s").for_all();
    assert_eq!(selectors(&signed(layer([all]), message).await).0, ["s"]);
    let keys = [key("example.com", "header"), key("z.example", "path")];
    let by_path = layer(keys).with_author(Author::MailFrom);
    assert_eq!(selectors(&signed(by_path, MESSAGE).await).0, ["path"]);
}

#[tokio::test]
async fn the_null_reverse_path_is_no_author() {
    let upstream = Script::new();
    let layer = layer([key("z.example", "s")]).with_author(Author::MailFrom);
    let _ = send(
        layer.layer(upstream.clone()),
        mail(""),
        [rcpt("bob@y")],
        MESSAGE,
    )
    .await;
    assert_eq!(upstream.received()[0].body, MESSAGE);
}

#[tokio::test]
async fn a_key_that_is_replaced_signs_from_then_on() {
    let shared = secret();
    let key = Key::new(SignatureSpec::new("example.com", "s"), shared.clone());
    let layer = layer([key]);
    let first = signed(layer.clone(), MESSAGE).await;
    assert_eq!(first, signed(layer.clone(), MESSAGE).await);
    let (other, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    shared.replace(other);
    let second = signed(layer, MESSAGE).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn what_is_sent_in_pieces_or_described_is_signed_as_the_same_octets() {
    let layer = layer([key("example.com", "s")]);
    let json = serde_json::json!({
        "headers": [["from", [{"address": "alice@example.com"}]], ["subject", "hi"]],
        "text_body": [{"content_type": "text/plain", "content": {"inline": "hello\r\n"}}],
    });
    let spec = Arc::new(Spec::from_json(&json).unwrap());
    let composition = Composition::new(spec, []).unwrap();
    let plain = Body::from(composition.clone())
        .collect(usize::MAX)
        .await
        .unwrap();
    let whole = signed(layer.clone(), plain.clone()).await;
    assert_eq!(selectors(&whole).0, ["s"]);
    for step in [0, 1, 2, 7, plain.len()] {
        let upstream = Script::new();
        let service = layer.layer(upstream.clone());
        let (mut driver, _) = Driver::start(service, context(), mail("alice@z.example"));
        let reply = driver.start_rcpt(rcpt("bob@y"));
        driver.wait(reply).await;
        driver.data();
        if step == 0 {
            driver.whole_body(Body::from(composition.clone()));
        } else {
            for piece in plain.chunks(step) {
                driver.send(Bytes::copy_from_slice(piece)).await.unwrap();
            }
        }
        assert_eq!(driver.finish().await, Reply::message_accepted());
        assert_eq!(upstream.received()[0].body, whole, "by {step}");
    }
}

#[tokio::test]
async fn nothing_goes_on_where_it_cannot_be_kept_or_is_too_long() {
    let upstream = Script::new();
    let limits = Limits::default().with_budget(8 << 10);
    let layer = layer([key("example.com", "s")]);
    let small = layer
        .clone()
        .with_pools(BlobPool::in_memory(limits), Default::default());
    let (mut driver, _) = Driver::start(
        small.layer(upstream.clone()),
        context(),
        mail("alice@z.example"),
    );
    let reply = driver.start_rcpt(rcpt("bob@y"));
    driver.wait(reply).await;
    driver.data();
    for piece in ["From: alice@example.com\r\n\r\n", &"x".repeat(64 << 10)] {
        if driver.send(piece.to_owned().into()).await.is_err() {
            break;
        }
    }
    assert_eq!(driver.finish().await, Reply::insufficient_storage());

    let long = format!(
        "From: a@example.com\r\nX: {}\r\n\r\nx",
        "y".repeat(HEADER_MAX)
    );
    let service = layer.layer(upstream.clone());
    let outcome = send(service, mail("alice@z.example"), [rcpt("bob@y")], long).await;
    assert_eq!(outcome.message, Some(Reply::message_too_big()));
    assert!(
        upstream
            .received()
            .iter()
            .all(|received| received.body.is_empty())
    );
}

#[tokio::test]
async fn a_client_that_goes_away_sends_nothing() {
    let upstream = Script::new();
    let service = layer([key("example.com", "s")]).layer(upstream.clone());
    let (mut driver, _) = Driver::start(service, context(), mail("alice@z.example"));
    let reply = driver.start_rcpt(rcpt("bob@y"));
    driver.wait(reply).await;
    driver.data();
    driver.send(MESSAGE.into()).await.unwrap();
    drop(driver);
    assert!(
        upstream
            .received()
            .iter()
            .all(|received| received.body.is_empty())
    );
}

#[tokio::test]
async fn the_declared_size_grows() {
    let upstream = Script::new();
    let keys = [key("example.com", "one"), key("example.com", "two")];
    let mut mail = mail("alice@z.example");
    let size = Parameter::new("SIZE", Some("1000")).unwrap();
    mail.parameters.push(size).unwrap();
    let _ = send(
        layer(keys).layer(upstream.clone()),
        mail,
        [rcpt("bob@y")],
        MESSAGE,
    )
    .await;
    let received = &upstream.received()[0];
    let size = received.mail.parameters.size().unwrap();
    assert!(size >= 1000 + received.body.len() as u64 - MESSAGE.len() as u64);
}
