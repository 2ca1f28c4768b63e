//! The field that tells the results, between a client and a scripted destination.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    clock::SystemClock,
    middleware::DeliverRequest,
    reply::Reply,
    test_util::{Script, ScriptedResolver, context, context_from, mail, rcpt, send, send_with},
    transaction::Driver,
};
use koukan_mail_auth::{
    authentication_results::AuthenticationResultsLayer,
    dkim::{Algorithm, HEADER_MAX, SignatureSpec, SigningKey},
    dkim_check::DkimCheckLayer,
    dmarc_check::{Dmarc, DmarcCheckLayer},
    spf_check::SpfCheckLayer,
};
use tower::{Layer, ServiceBuilder};

fn layer() -> AuthenticationResultsLayer {
    AuthenticationResultsLayer::new("mx.example.net").unwrap()
}

fn record(text: &str) -> [Box<[u8]>; 1] {
    [text.as_bytes().into()]
}

/// The message that goes on, and its DMARC result.
async fn checked(
    resolver: &ScriptedResolver,
    remote: &str,
    from: &str,
    message: &str,
) -> (String, Dmarc) {
    let upstream = Script::new();
    let (resolver, clock) = (Arc::new(resolver.clone()), Arc::new(SystemClock));
    let service = ServiceBuilder::new()
        .layer(SpfCheckLayer::new(
            "mx.example.net",
            resolver.clone(),
            clock.clone(),
        ))
        .layer(DkimCheckLayer::new(resolver.clone(), clock))
        .layer(DmarcCheckLayer::new(resolver))
        .layer(layer())
        .service(upstream.clone());
    let blob = Blob::from_bytes(message.to_owned().into());
    let context = context_from(remote, "client.example");
    let mut request = DeliverRequest::new(context.into(), mail(from), blob);
    request.recipients = vec![rcpt("bob@y")];
    let outcome = send_with(service, request).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let received = &upstream.received()[0];
    let text = String::from_utf8(received.body.to_vec()).unwrap();
    (text, received.signals.find_durable().unwrap().unwrap())
}

#[tokio::test]
async fn all_that_was_found_out_is_told_and_decides_of_dmarc() {
    let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let resolver = ScriptedResolver::new()
        .with_txt("example.com", record("v=spf1 ip4:192.0.2.1 -all"))
        .with_txt("_dmarc.example.com", record("v=DMARC1; p=reject"))
        .with_txt("s._domainkey.example.com", record(&key.record()))
        .with_silence("_dmarc.silent.example");
    let plain = "From: Alice <alice@example.com>\r\nSubject: hi\r\n\r\nhello\r\n";
    let mut signing = SignatureSpec::new("example.com", "s").start();
    signing.update(plain.as_bytes());
    let field = signing.finish().sign(&key, 1_767_322_800).unwrap();
    let message = format!("{field}{plain}");

    let (text, dmarc) = checked(&resolver, "192.0.2.1:25", "a@example.com", &message).await;
    let (head, rest) = text.split_once(" header.b=").unwrap();
    assert_eq!(
        head,
        "Authentication-Results: mx.example.net;\r\n\tspf=pass smtp.mailfrom=example.com;\r\n\
        \tdkim=pass header.d=example.com header.s=s header.a=ed25519-sha256"
    );
    let (_, rest) = rest.split_once(";\r\n\t").unwrap();
    let told = "dmarc=pass (p=reject) header.from=example.com\r\n";
    assert_eq!(rest, format!("{told}{message}"));
    assert!(dmarc.spf && dmarc.dkim);

    // One of the two is enough.
    let other = "192.0.2.7:25";
    let (text, dmarc) = checked(&resolver, other, "a@example.com", &message).await;
    assert!(
        text.contains("spf=fail") && text.contains("dmarc=pass"),
        "{text}"
    );
    assert!(!dmarc.spf && dmarc.dkim);
    let (_, dmarc) = checked(&resolver, "192.0.2.1:25", "a@example.com", plain).await;
    assert!(dmarc.spf && !dmarc.dkim && dmarc.result == "pass");
    // With neither it fails; one of another domain does not help.
    let (text, dmarc) = checked(&resolver, other, "a@example.com", plain).await;
    assert!(
        text.contains("dkim=none") && text.contains("dmarc=fail (p=reject)"),
        "{text}"
    );
    assert_eq!((&*dmarc.result, &*dmarc.policy), ("fail", "reject"));
    let forged = message.replace("alice@example.com", "alice@example.org");
    let (_, dmarc) = checked(&resolver, "192.0.2.1:25", "a@example.com", &forged).await;
    assert_eq!((&*dmarc.result, &*dmarc.domain), ("none", "example.org"));
    // Naming a second author gains nothing.
    let two = "From: a@example.com, b@example.org\r\nSubject: hi\r\n\r\nhello\r\n";
    let (_, dmarc) = checked(&resolver, "192.0.2.1:25", "a@example.com", two).await;
    assert_eq!((&*dmarc.result, &*dmarc.domain), ("none", "example.org"));
    for from in ["", "From: a@example.com\r\nFrom: x\r\n"] {
        let message = format!("{from}Subject: hi\r\n\r\nhello\r\n");
        let (_, dmarc) = checked(&resolver, "192.0.2.1:25", "a@example.com", &message).await;
        assert_eq!(dmarc.result, "permerror", "{from:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_dns_is_waited_for_so_long() {
    let resolver = ScriptedResolver::new().with_silence("_dmarc.silent.example");
    let message = "From: a@silent.example\r\n\r\nhello\r\n";
    let (_, dmarc) = checked(&resolver, "192.0.2.1:25", "a@x.example", message).await;
    assert_eq!(dmarc.result, "temperror");
}

#[tokio::test(start_paused = true)]
async fn whoever_lets_nobody_answer_for_another_domain_has_no_excuse() {
    let resolver = ScriptedResolver::new()
        .with_txt("_dmarc.example.com", record("v=DMARC1; p=reject"))
        .with_silence("evil.example")
        .with_silence("s._domainkey.evil.example");
    let plain = "From: alice@example.com\r\n\r\nhello\r\n";
    let (key, _) = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let mut signing = SignatureSpec::new("evil.example", "s").start();
    signing.update(plain.as_bytes());
    let field = signing.finish().sign(&key, 1_767_322_800).unwrap();
    let (text, dmarc) = checked(
        &resolver,
        "192.0.2.1:25",
        "a@evil.example",
        &format!("{field}{plain}"),
    )
    .await;
    assert!(
        text.contains("spf=temperror") && text.contains("dkim=temperror"),
        "{text}"
    );
    assert_eq!((&*dmarc.result, &*dmarc.policy), ("fail", "reject"));
}

async fn added(message: &str, step: usize) -> String {
    let upstream = Script::new();
    let service = layer().layer(upstream.clone());
    if step == 0 {
        let message = message.to_owned();
        let _ = send(service, mail("a@x"), [rcpt("bob@y")], message).await;
    } else {
        let (mut driver, _) = Driver::start(service, context(), mail("a@x"));
        let reply = driver.start_rcpt(rcpt("bob@y"));
        driver.wait(reply).await;
        driver.data();
        for piece in message.as_bytes().chunks(step) {
            driver.send(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert_eq!(driver.finish().await, Reply::message_accepted());
    }
    String::from_utf8(upstream.received()[0].body.to_vec()).unwrap()
}

#[tokio::test]
async fn fields_that_claim_to_be_ours_are_taken_out_and_no_others() {
    let ours = "authentication-results : (x) MX.example.net 1;\r\n\tspf=pass\r\n";
    let other = "Authentication-Results: mx.example.org; spf=pass\r\n";
    let new = "Authentication-Results: mx.example.net;\r\n\tnone\r\n";
    for (message, left) in [
        (format!("{other}From: a@b\r\n\r\nx"), None),
        (
            format!("{ours}From: a@b\r\n\r\nx"),
            Some("From: a@b\r\n\r\nx".to_owned()),
        ),
        (
            format!("{other}{ours}From: a@b\r\n{ours}\r\n{ours}"),
            Some(format!("{other}From: a@b\r\n\r\n{ours}")),
        ),
        (ours.to_owned(), Some(String::new())),
        (ours.trim_end().to_owned(), Some(String::new())),
        (format!("\r\n{ours}"), None),
        // A message out of a mail folder, whose first line is turned into a field.
        (
            format!("From a@b Fri Jan  2 03:04:05 2026\r\n{ours}From: a@b\r\n{ours}\r\n{ours}"),
            Some(format!(
                "X-Mailbox-Line: From a@b Fri Jan  2 03:04:05 2026\r\nFrom: a@b\r\n\r\n{ours}"
            )),
        ),
        // Text, for which a header section is made.
        (
            format!("hello\r\n{ours}"),
            Some(format!("\r\nhello\r\n{ours}")),
        ),
    ] {
        let left = left.unwrap_or_else(|| message.clone());
        for step in [0, 1, 2, 7, 50, 1000] {
            assert_eq!(
                added(&message, step).await,
                format!("{new}{left}"),
                "{message:?} by {step}"
            );
        }
    }
}

#[test]
fn an_agent_has_the_name_of_a_domain() {
    for name in ["[192.0.2.1]", "a b", "a\u{ff20}b.example", ""] {
        assert!(AuthenticationResultsLayer::new(name).is_err(), "{name}");
    }
}

#[tokio::test]
async fn an_international_name_is_told_in_ascii_and_taken_out_in_both_forms() {
    let upstream = Script::new();
    let layer = AuthenticationResultsLayer::new("mx.B\u{fc}cher.example").unwrap();
    let claims = ["mx.b\u{fc}cher.example", "MX.XN--bcher-kva.example"]
        .map(|name| format!("Authentication-Results: {name}; spf=pass\r\n"));
    let message = format!("{}From: a@b\r\n\r\nx", claims.concat());
    let service = layer.layer(upstream.clone());
    let _ = send(service, mail("a@x"), [rcpt("bob@y")], message).await;
    let expected =
        "Authentication-Results: mx.xn--bcher-kva.example;\r\n\tnone\r\nFrom: a@b\r\n\r\nx";
    assert_eq!(upstream.received()[0].body, expected);
}

#[tokio::test]
async fn what_is_too_long_to_be_looked_at_is_refused() {
    let upstream = Script::new();
    let long = format!("From: a@b\r\nX: {}\r\n\r\nx", "y".repeat(HEADER_MAX));
    let service = layer().layer(upstream.clone());
    let outcome = send(service, mail("a@x"), [rcpt("bob@y")], long).await;
    assert_eq!(outcome.message, Some(Reply::message_too_big()));
}
