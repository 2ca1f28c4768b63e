//! The filter that verifies chains, with those that dkimpy makes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{fs, path::Path, process::Command, sync::Arc as Shared, time::Duration};

use bytes::Bytes;
use koukan_core::{
    clock::SystemClock,
    reply::Reply,
    signals::DurableSignal,
    test_util::{Script, ScriptedResolver, context, mail, rcpt, send},
    transaction::Driver,
};
use koukan_mail_auth::{
    arc_check::{Arc, ArcCheckLayer},
    authentication_results::AuthenticationResultsLayer,
    dkim::{Algorithm, SigningKey},
};
use tower::Layer;

/// A message that `list.example` has passed on, and the same one after `relay.example` has added a
/// footer.
struct Passed {
    one: String,
    two: String,
    record: String,
    resolver: ScriptedResolver,
}

fn passed() -> Passed {
    let (key, pem) = SigningKey::generate(Algorithm::Rsa).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    fs::write(&file, pem).unwrap();
    fs::write(folder.path().join("record"), key.record()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/arc_check/arc.py");
    let mut python = Command::new("/usr/bin/python3");
    let output = python.arg(script).arg(folder.path()).arg(file).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}; run scripts/install-test-peers"
    );
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let record = || -> [Box<[u8]>; 1] { [key.record().into_bytes().into()] };
    Passed {
        one: read("one.eml"),
        two: read("two.eml"),
        record: key.record(),
        resolver: ScriptedResolver::new()
            .with_txt("one._domainkey.list.example", record())
            .with_txt("two._domainkey.relay.example", record()),
    }
}

fn layer(resolver: ScriptedResolver) -> ArcCheckLayer {
    ArcCheckLayer::new(Shared::new(resolver), Shared::new(SystemClock))
}

/// dkimpy's results for these messages.
fn others_say(record: &str, messages: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("record"), record).unwrap();
    for (index, message) in messages.iter().enumerate() {
        fs::write(folder.path().join(format!("{index:03}.eml")), message).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/arc_check/verify.py");
    let mut python = Command::new("/usr/bin/python3");
    let output = python.arg(script).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{said}; run scripts/install-test-peers"
    );
    let told = String::from_utf8(output.stdout).unwrap();
    told.lines().map(str::to_owned).collect()
}

async fn found(resolver: ScriptedResolver, message: impl Into<Bytes>) -> Arc {
    let (upstream, message) = (Script::new(), message.into());
    let service = layer(resolver).layer(upstream.clone());
    let outcome = send(service, mail("a@x"), [rcpt("bob@y")], message.clone()).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let received = upstream.only_received();
    assert_eq!(received.body, message);
    received.signals.find_durable().unwrap().unwrap()
}

#[tokio::test]
async fn chains_that_dkimpy_makes_hold_in_whatever_pieces() {
    let passed = passed();
    let one = found(passed.resolver.clone(), passed.one.clone()).await;
    assert_eq!((&*one.result, &*one.reason), ("pass", ""));
    assert_eq!((one.sets, &*one.domain), (1, "list.example"));
    let two = found(passed.resolver.clone(), passed.two.clone()).await;
    assert_eq!((&*two.result, &*two.reason), ("pass", ""));
    assert_eq!(two.domains, ["list.example", "relay.example"]);
    assert_eq!((two.sets, &*two.domain), (2, "relay.example"));
    for step in [1, 3, 777] {
        let upstream = Script::new();
        let layer = layer(passed.resolver.clone());
        let (mut driver, _) = Driver::start(layer.layer(upstream.clone()), context(), mail("a@x"));
        let reply = driver.start_rcpt(rcpt("bob@y"));
        driver.wait(reply).await;
        driver.data();
        for piece in passed.two.as_bytes().chunks(step) {
            driver.send(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert_eq!(driver.finish().await, Reply::message_accepted());
        let signals = upstream.only_received().signals;
        assert_eq!(signals.find_durable().unwrap(), Some(two.clone()));
    }
}

#[tokio::test]
async fn a_chain_that_somebody_has_touched_does_not_hold() {
    let passed = passed();
    let set_two = passed
        .two
        .find("Authentication-Results: relay.example")
        .unwrap();
    // `ARC-Authentication-Results: i=2; …` ends before it.
    let set_two = &passed.two[..passed.two[..set_two].rfind("ARC-Authentication").unwrap()];
    let mut all = vec![passed.two.clone()];
    for (from, to, reason) in [
        ("a footer", "another footer", "the body is another"),
        ("Subject: x", "Subject: y", "the message was changed"),
        (
            "a@a.example\r\nTo",
            "b@a.example\r\nTo",
            "the message was changed",
        ),
        (
            "i=1; list.example; spf=pass",
            "i=1; list.example; spf=fail",
            "a seal is of another",
        ),
        (
            "i=2; relay.example; arc=pass",
            "i=2; relay.example; arc=fail",
            "a seal is of another",
        ),
        ("cv=pass", "cv=fail", "the chain was broken before"),
        ("cv=none", "cv=pass", "the chain was broken before"),
        ("cv=none", "cv=maybe", "unknown state"),
        ("cv=none; ", "", "a tag is missing"),
        ("cv=none", "cv=none; h=from", "a seal names fields"),
        (
            "ARC-Authentication-Results: i=1;",
            "X: i=1;",
            "a set lacks a field",
        ),
        ("ARC-Seal: i=1;", "ARC-Seal: i=3;", "a set lacks a field"),
        (
            "ARC-Seal: i=1;",
            "ARC-Seal: i=2;",
            "a set has a field twice",
        ),
        ("ARC-Seal: i=1;", "ARC-Seal: i=0;", "a field is of no set"),
        ("ARC-Seal: i=1;", "ARC-Seal: i=51;", "a field is of no set"),
        ("ARC-Seal: i=1;", "ARC-Seal: x=1;", "a field is of no set"),
        (
            "h=from : to",
            "h=arc-seal : from : to",
            "a signature is of seals",
        ),
        ("a=rsa-sha256", "a=rsa-sha1", "SHA-1 is not believed"),
        (set_two, "", "a set lacks a field"),
    ] {
        assert!(passed.two.contains(from), "{from}");
        let touched = passed.two.replacen(from, to, 1);
        all.push(touched.clone());
        let found = found(passed.resolver.clone(), touched).await;
        assert_eq!(found.result, "fail", "{from} → {to}");
        assert!(
            found.reason.starts_with(reason),
            "{from} → {to}: {}",
            found.reason
        );
    }
    // Fields that are not signed may be added or removed.
    let added = format!("X-New: x\r\n{}", passed.two);
    all.push(added.clone());
    assert_eq!(found(passed.resolver, added).await.result, "pass");
    // dkimpy, too, accepts only the first and the last of these messages.
    let others = others_say(&passed.record, &all);
    let passing: Vec<_> = (0..others.len())
        .filter(|index| others[*index] == "pass")
        .collect();
    assert_eq!((others.len(), passing), (all.len(), vec![0, all.len() - 1]));
}

#[tokio::test(start_paused = true)]
async fn what_the_dns_does_not_tell_is_not_known() {
    let passed = passed();
    let name = "one._domainkey.list.example";
    let failing = passed.resolver.clone().with_failure(name);
    assert_eq!(found(failing, passed.two.clone()).await.result, "temperror");
    let passed = self::passed();
    let silent = passed.resolver.clone().with_silence(name);
    let begin = tokio::time::Instant::now();
    assert_eq!(found(silent, passed.two.clone()).await.result, "temperror");
    assert_eq!(begin.elapsed(), Duration::from_secs(20));
    let unknown = found(ScriptedResolver::new(), passed.two).await;
    assert_eq!(
        (&*unknown.result, &*unknown.reason),
        ("fail", "there is no such key")
    );
}

/// RFC 8617 appendix B. Nobody has the keys, but the hash of the body can be checked.
const EXAMPLE: &str = include_str!("rfc8617.eml");

#[tokio::test]
async fn the_example_of_the_standard_is_read_as_it_says() {
    let message = EXAMPLE.replace("\r\n", "\n").replace('\n', "\r\n");
    let resolver = ScriptedResolver::new();
    let example = found(resolver.clone(), message.clone()).await;
    let domains = [
        "lists.example.org",
        "gmail.example",
        "clochette.example.org",
    ];
    assert_eq!((example.sets, &*example.domain), (3, domains[2]));
    assert_eq!(example.domains, domains);
    let told = (&*example.result, &*example.reason);
    assert_eq!(told, ("fail", "there is no such key"));
    // The last sealer is asked first, and the verification ends there.
    assert_eq!(
        resolver.asked(),
        ["TXT clochette._domainkey.clochette.example.org"]
    );
    let other = message.replacen("test message", "false message", 1);
    let other = found(ScriptedResolver::new(), other).await;
    let told = (&*other.result, &*other.reason);
    assert_eq!(told, ("fail", "the body is another"));
}

#[tokio::test]
async fn messages_without_a_chain_have_none() {
    for message in ["From: a@b\r\n\r\nx\r\n", "", "x", "\r\nARC-Seal: i=1\r\n"] {
        let found = found(ScriptedResolver::new(), message).await;
        assert_eq!((&*found.result, found.sets), ("none", 0), "{message:?}");
    }
    let many = "ARC-Seal: i=1\r\n".repeat(10_000) + "From: a@b\r\n\r\nx";
    let found = found(ScriptedResolver::new(), many).await;
    assert_eq!(found.reason, "a set has a field twice");
}

#[tokio::test]
async fn readers_are_told_of_the_chain() {
    let passed = passed();
    let upstream = Script::new();
    let tell = AuthenticationResultsLayer::new("mx.example.com").unwrap();
    let check = layer(passed.resolver.clone());
    let service = check.layer(tell.layer(upstream.clone()));
    let outcome = send(service, mail("a@x"), [rcpt("bob@y")], passed.two.clone()).await;
    assert!(outcome.is_delivered());
    let received = upstream.only_received();
    let told = "Authentication-Results: mx.example.com;\r\n\tarc=pass (i=2 d=relay.example)\r\n";
    assert!(received.text().starts_with(told), "{}", received.text());
    assert_eq!(Arc::NAME, "arc");
    // RFC 8617 section 5.2.1 has no other name for an unknown result.
    let upstream = Script::new();
    let failing = passed.resolver.with_failure("one._domainkey.list.example");
    let service = layer(failing).layer(tell.layer(upstream.clone()));
    let outcome = send(service, mail("a@x"), [rcpt("bob@y")], passed.one).await;
    assert!(outcome.is_delivered());
    let received = upstream.only_received();
    let told = "Authentication-Results: mx.example.com;\r\n\tarc=fail (i=1 d=list.example)\r\n";
    assert!(received.text().starts_with(told), "{}", received.text());
}
