//! How dkimpy, OpenDKIM and Mail::SRS judge our signatures and addresses; `scripts/install-test-peers` installs them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod srs;

use std::{fs, path::Path, process::Command, sync::Arc};

use bytes::Bytes;
use koukan_core::{
    clock::SystemClock,
    reply::Reply,
    test_util::{Script, context, mail, rcpt},
    transaction::Driver,
};
use koukan_mail_auth::{
    dkim::{Algorithm, SignatureSpec, SigningKey},
    dkim_sign::{DkimSignLayer, Key, SharedKey},
};
use tempfile::TempDir;
use tower::Layer;

const HEADER: &str = "From: Alice <alice@example.com>\r\nTo: bob@example.org,\r\n  carol@example.org\r\n\
    Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?= \t\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\n\
    Received: from a\r\nReceived: from b\r\nMessage-ID: <1@example.com>\r\n";

/// Bodies whose canonical forms differ from the plain text.
fn bodies() -> Vec<(&'static str, String)> {
    let long = "x".repeat(100_000);
    let large = "0123456789 abcdefgh\tij  klm \r\n".repeat(70_000);
    vec![
        ("none", String::new()),
        ("one_line", "\r\nhello\r\n".into()),
        ("empty", "\r\n".into()),
        ("empty_lines", "\r\n\r\n\r\n\r\n".into()),
        ("empty_lines_after", "\r\nhello\r\n\r\n\r\n".into()),
        ("blank_lines_after", "\r\nhello\r\n \r\n\t \r\n\r\n".into()),
        ("blanks_only", "\r\n  \t\r\n \r\n".into()),
        ("no_end", "\r\nhello".into()),
        ("blank_at_end", "\r\nhello  ".into()),
        ("blanks_within", "\r\n  a \t b  \r\n\tc\r\n".into()),
        ("long_line", format!("\r\n{long} {long}\r\n")),
        (
            "eight_bit",
            "\r\ngr\u{fc}\u{df}e \u{a0}\r\n\u{1f600}\r\n".into(),
        ),
        ("dots", "\r\n.\r\n..\r\n.x\r\n".into()),
        ("large", format!("\r\n{large}")),
        ("old_colon", "Cc : dave@example.org\r\n\r\nhello\r\n".into()),
    ]
}

/// The messages by name: special ones, and those of the parser's tests.
fn messages() -> Vec<(String, Bytes)> {
    let special = bodies().into_iter();
    let mut all: Vec<_> = special
        .map(|(name, body)| (name.to_owned(), Bytes::from(format!("{HEADER}{body}"))))
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../koukan-core/tests/messages");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy();
        all.push((format!("corpus_{name}"), fs::read(&path).unwrap().into()));
    }
    all
}

/// Two keys, and their DNS records.
fn keys() -> (Vec<Key>, Vec<(String, String)>) {
    let all = [("rsa", Algorithm::Rsa), ("ed", Algorithm::Ed25519)].map(|(selector, algorithm)| {
        let (key, _) = SigningKey::generate(algorithm).unwrap();
        let name = format!("{selector}._domainkey.example.com");
        let record = (name, key.record());
        let spec = SignatureSpec::new("example.com", selector);
        (Key::new(spec, SharedKey::new(key)).for_all(), record)
    });
    all.into_iter().unzip()
}

/// Signs a message that comes in pieces of odd lengths.
async fn signed(layer: &DkimSignLayer, message: &Bytes) -> Bytes {
    let upstream = Script::new();
    let service = layer.layer(upstream.clone());
    let (mut driver, _) = Driver::start(service, context(), mail("alice@example.com"));
    let reply = driver.start_rcpt(rcpt("bob@example.org"));
    driver.wait(reply).await;
    driver.data();
    let (mut rest, mut length) = (message.clone(), 1);
    while !rest.is_empty() {
        driver
            .send(rest.split_to(length.min(rest.len())))
            .await
            .unwrap();
        length = length * 3 % 9973 + 1;
    }
    assert_eq!(driver.finish().await, Reply::message_accepted());
    upstream.received()[0].body.clone()
}

/// A folder of signed messages, and their number.
async fn folder(keys: Vec<Key>) -> (TempDir, usize) {
    let folder = tempfile::tempdir().unwrap();
    let layer = DkimSignLayer::new(keys, Arc::new(SystemClock));
    let mut count = 0;
    for (name, message) in messages() {
        let mut signed = signed(&layer, &message).await.to_vec();
        if signed == message {
            continue;
        }
        count += 1;
        // As by SMTP, where the last line is terminated.
        if !signed.ends_with(b"\r\n") {
            signed.extend_from_slice(b"\r\n");
        }
        fs::write(folder.path().join(format!("{name}.eml")), signed).unwrap();
    }
    // All special messages, and most of the others.
    assert!(count > bodies().len() + 15, "{count}");
    (folder, count)
}

#[tokio::test]
async fn dkimpy_finds_every_signature_good() {
    let (keys, records) = keys();
    let (folder, count) = folder(keys).await;
    let known = folder.path().join("keys.json");
    let records: serde_json::Map<_, _> = records
        .into_iter()
        .map(|(name, record)| (name, record.into()))
        .collect();
    fs::write(&known, serde_json::Value::Object(records).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strangers/verify.py");
    // Debian's Python, for which its packages are installed.
    let mut python = Command::new("/usr/bin/python3");
    let output = python.arg(script).arg(folder.path()).arg(known).output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert_eq!(told.lines().count(), count, "{told}");
    // dkimpy accepts no blanks before colons, and no lines that are not fields.
    let is_unreadable = |line: &str| matches!(line, "old_colon unreadable");
    let wrong: Vec<_> = told
        .lines()
        .filter(|line| !line.ends_with(" pass pass") && !is_unreadable(line))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn opendkim_finds_every_rsa_signature_good() {
    let (mut keys, records) = keys();
    keys.truncate(1);
    let (folder, _) = folder(keys).await;
    let path = |name: &str| folder.path().join(name);
    let (name, record) = &records[0];
    fs::write(path("keys"), format!("{name} {record}\n")).unwrap();
    let settings = format!("Mode v\nTestPublicKeys {}\n", path("keys").display());
    fs::write(path("opendkim.conf"), settings).unwrap();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        // OpenDKIM accepts no line with NUL, and no header section of 64 KiB.
        let message = fs::read(&file).unwrap();
        if message.contains(&0) || file.ends_with("corpus_huge_header.eml") {
            continue;
        }
        let mut opendkim = Command::new("/usr/sbin/opendkim");
        opendkim
            .arg("-x")
            .arg(path("opendkim.conf"))
            .arg("-t")
            .arg(&file);
        let output = opendkim.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        if !told.contains("verification (s=rsa, d=example.com, 2048-bit key) succeeded") {
            wrong.push(format!("{}: {told}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
