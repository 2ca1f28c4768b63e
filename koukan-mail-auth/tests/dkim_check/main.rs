//! The filter that verifies signatures, with those of the standards, of dkimpy, and our own.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod opendkim;

use std::{path::Path, process::Command, sync::Arc};

use bytes::Bytes;
use koukan_core::{
    clock::{Clock, SystemClock},
    reply::Reply,
    test_util::{Script, ScriptedResolver, context, mail, rcpt, send},
    transaction::Driver,
};
use koukan_mail_auth::{
    dkim::{Algorithm, Canonicalization, SignatureSpec, SigningKey},
    dkim_check::{Dkim, DkimCheckLayer},
};
use tower::Layer;

/// RFC 6376 appendix A.2, and the key of appendix C.
const FIRST: &str = include_str!("rfc6376.eml");
const FIRST_KEY: &str = "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkM\
    oGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuK\
    hitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";

/// RFC 8463 appendix A.3.
const STANDARD: &str = include_str!("rfc8463.eml");
const ED25519: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const RSA: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR\
    iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC\
    DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3\
    Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

fn record(text: &str) -> [Box<[u8]>; 1] {
    [text.as_bytes().into()]
}

fn football() -> ScriptedResolver {
    ScriptedResolver::new()
        .with_txt("brisbane._domainkey.football.example.com", record(ED25519))
        .with_txt("test._domainkey.football.example.com", record(RSA))
}

async fn found(resolver: ScriptedResolver, message: impl Into<Bytes>) -> Dkim {
    let (upstream, message) = (Script::new(), message.into());
    let layer = DkimCheckLayer::new(Arc::new(resolver), Arc::new(SystemClock));
    let service = layer.layer(upstream.clone());
    let outcome = send(service, mail("a@x"), [rcpt("bob@y")], message.clone()).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let received = upstream.received();
    assert_eq!(received[0].body, message);
    received[0].signals.find_durable().unwrap().unwrap()
}

fn results(found: &Dkim) -> Vec<&str> {
    let results = found.signatures.iter();
    results.map(|signature| &*signature.result).collect()
}

fn standard() -> String {
    with_crlf(STANDARD)
}

fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

#[tokio::test]
async fn the_first_example_of_all_passes_and_is_simple() {
    let resolver =
        || ScriptedResolver::new().with_txt("brisbane._domainkey.example.com", record(FIRST_KEY));
    let message = with_crlf(FIRST);
    let first = found(resolver(), message.clone()).await;
    assert_eq!((&*first.result, results(&first)), ("pass", vec!["pass"]));
    let signature = &first.signatures[0];
    let told = (&*signature.domain, &*signature.selector);
    assert_eq!(told, ("example.com", "brisbane"));
    // Each blank counts in the simple form, in the header section and in the body.
    for (from, to) in [
        (".com  [192", ".com [192"),
        ("game. Are", "game.  Are"),
        ("Subject: Is", "Subject:  Is"),
        ("      by submit", "     by submit"),
    ] {
        assert!(message.contains(from), "{from}");
        let changed = found(resolver(), message.replacen(from, to, 1)).await;
        assert_eq!(results(&changed), ["fail"], "{from}");
    }
    // A field that is added at the top is not signed.
    let passed = found(resolver(), format!("Received: from a\r\n{message}")).await;
    assert_eq!(results(&passed), ["pass"]);
}

#[tokio::test]
async fn the_example_of_the_standard_passes_in_whatever_pieces() {
    let message = standard();
    let found = found(football(), message.clone()).await;
    assert_eq!(
        (&*found.result, results(&found)),
        ("pass", vec!["pass", "pass"])
    );
    let first = &found.signatures[0];
    let told = (
        &*first.domain,
        &*first.selector,
        &*first.algorithm,
        &*first.beginning,
    );
    let expected = (
        "football.example.com",
        "brisbane",
        "ed25519-sha256",
        "/gCrinpc",
    );
    assert_eq!(told, expected);
    for step in [1, 2, 3, 17, 777] {
        let upstream = Script::new();
        let layer = DkimCheckLayer::new(Arc::new(football()), Arc::new(SystemClock));
        let service = layer.layer(upstream.clone());
        let (mut driver, _) = Driver::start(service, context(), mail("a@x"));
        let reply = driver.start_rcpt(rcpt("bob@y"));
        driver.wait(reply).await;
        driver.data();
        for piece in message.as_bytes().chunks(step) {
            driver.send(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert_eq!(driver.finish().await, Reply::message_accepted());
        let received = upstream.received();
        assert_eq!(
            received[0].signals.find_durable().unwrap(),
            Some(found.clone())
        );
        assert_eq!(received[0].body, message);
    }
}

#[tokio::test]
async fn what_was_changed_does_not_pass() {
    for (from, to, expected) in [
        // Changes that do not matter.
        (
            "Subject: Is dinner",
            "Subject:  Is  dinner",
            ["pass", "pass"],
        ),
        (
            "From: Joe SixPack",
            "X-New: x\r\nFrom: Joe SixPack",
            ["pass", "pass"],
        ),
        ("Joe.\r\n", "Joe.\r\n \r\n\r\n", ["pass", "pass"]),
        ("Joe.\r\n", "Jim.\r\n", ["fail", "fail"]),
        ("Is dinner", "Is lunch", ["fail", "fail"]),
        // A sealed field.
        ("Subject: Is", "Subject: x\r\nSubject: Is", ["fail", "fail"]),
        ("s=brisbane", "s=sydney", ["permerror", "pass"]),
        ("s=test", "s=brisbane", ["pass", "permerror"]),
        (
            "t=1528637909; h=from : to :\r\n",
            "t=1528637909; x=1528637910; h=from : to :\r\n",
            ["neutral", "pass"],
        ),
        ("a=ed25519-sha256", "a=rsa-sha1", ["neutral", "pass"]),
    ] {
        let message = standard();
        assert!(message.contains(from), "{from}");
        let found = found(football(), message.replacen(from, to, 1)).await;
        assert_eq!(results(&found), expected, "{from} → {to}");
    }
}

#[tokio::test]
async fn what_the_dns_says_of_the_key() {
    let name = "brisbane._domainkey.football.example.com";
    let message = standard();
    let (first, rest) = message.split_once("DKIM-Signature: v=1; a=rsa").unwrap();
    let (_, rest) = rest.split_once("FADY+8=\r\n").unwrap();
    let message = format!("{first}{rest}");
    let key = |text: &str| ScriptedResolver::new().with_txt(name, record(text));
    let dns = ScriptedResolver::new;
    for (resolver, expected) in [
        (key(ED25519), "pass"),
        (key(&ED25519.replace("v=DKIM1;", "v=DKIM1; t=s;")), "pass"),
        (key(&ED25519.replace("v=DKIM1;", "v=DKIM1; t=y;")), "policy"),
        (key("v=DKIM1; k=ed25519; p="), "permerror"),
        (key("v=DKIM1; k=ed25519; p=AAAA"), "fail"),
        (key(RSA), "permerror"),
        (dns(), "permerror"),
        (dns().with_failure(name), "temperror"),
    ] {
        let found = found(resolver, message.clone()).await;
        assert_eq!(
            (&*found.result, results(&found)),
            (expected, vec![expected])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_dns_is_waited_for_so_long() {
    let silent = ScriptedResolver::new().with_silence("brisbane._domainkey.football.example.com");
    let found = found(
        silent.with_txt("test._domainkey.football.example.com", record(RSA)),
        standard(),
    );
    let found = found.await;
    // The DNS gives no answer for this key; the other signature is verified all the same.
    assert_eq!(results(&found), ["temperror", "pass"]);
    assert_eq!(found.signatures[0].domain, "football.example.com");
    assert_eq!(&*found.result, "pass");
}

#[tokio::test]
async fn messages_without_a_good_signature() {
    for (message, result, expected) in [
        ("From: a@b\r\n\r\nx\r\n", "none", vec![]),
        ("", "none", vec![]),
        ("x", "none", vec![]),
        (
            "DKIM-Signature: v=1\r\nFrom: a@b\r\n\r\nx",
            "neutral",
            vec!["neutral"],
        ),
        ("\r\nDKIM-Signature: v=1\r\n", "none", vec![]),
    ] {
        let found = found(football(), message).await;
        assert_eq!(
            (&*found.result, results(&found)),
            (result, expected),
            "{message:?}"
        );
    }
    let many = "DKIM-Signature: v=1\r\n".repeat(100) + "From: a@b\r\n\r\nx";
    assert_eq!(found(football(), many).await.signatures.len(), 8);
}

#[tokio::test]
async fn our_own_signatures_pass_in_all_canonical_forms() {
    use Canonicalization::{Relaxed, Simple};
    let now = SystemClock.now().as_second().unsigned_abs();
    let message = "From:  a@example.com\r\nSubject : x\r\n\r\n a  b \r\n\r\n \r\n";
    for algorithm in [Algorithm::Rsa, Algorithm::Ed25519] {
        let (key, _) = SigningKey::generate(algorithm).unwrap();
        let resolver =
            ScriptedResolver::new().with_txt("s._domainkey.example.com", record(&key.record()));
        for forms in [
            (Simple, Simple),
            (Simple, Relaxed),
            (Relaxed, Simple),
            (Relaxed, Relaxed),
        ] {
            let spec = SignatureSpec::new("example.com", "s").with_lifetime(60);
            let mut signing = spec.with_canonicalization(forms.0, forms.1).start();
            signing.update(message.as_bytes());
            let field = signing.finish().sign(&key, now).unwrap();
            let found = found(resolver.clone(), format!("{field}{message}")).await;
            assert_eq!(results(&found), ["pass"], "{forms:?}");
        }
    }
}

#[tokio::test]
async fn what_dkimpy_signs_passes_and_a_part_of_a_body_is_not_relied_on() {
    let (_, pem) = SigningKey::generate(Algorithm::Rsa).unwrap();
    let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    std::fs::write(&file, pem).unwrap();
    let resolver =
        ScriptedResolver::new().with_txt("s._domainkey.example.com", record(&key.record()));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dkim_check/sign.py");
    for form in [
        "simple/simple",
        "simple/relaxed",
        "relaxed/simple",
        "relaxed/relaxed",
    ] {
        for length in ["", "l"] {
            let mut python = Command::new("/usr/bin/python3");
            python.arg(&script).arg(&file).args([form, length]);
            let output = python.output().unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let signed = found(resolver.clone(), output.stdout.clone()).await;
            assert_eq!(results(&signed), ["pass"], "{form}");
            let mut longer = output.stdout;
            longer.extend_from_slice(b"more\r\n");
            let longer = found(resolver.clone(), longer).await;
            let expected = if length.is_empty() { "fail" } else { "policy" };
            assert_eq!(results(&longer), [expected], "{form}");
        }
    }
}
