//! Messages keep their signatures: through filters that parse them, verify them and put fields
//! before them, through the queue and a kill, and on the way to the next server.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use bytes::Bytes;
use koukan_core::{
    clock::SystemClock,
    test_util::{Script, mail, rcpt, send},
};
use koukan_mail_auth::{
    dkim::{Algorithm, SignatureSpec, SigningKey},
    dkim_sign::{DkimSignLayer, Key, SharedKey},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::Layer;

use crate::{
    client::Client,
    collector::Collector,
    examples::dns::Dns,
    peers::run,
    process::{Process, await_listener, eventually, free_address},
};

/// Two keys, by the names of their records in the DNS.
fn keys() -> Vec<(String, SigningKey)> {
    let all = [("rsa", Algorithm::Rsa), ("ed", Algorithm::Ed25519)];
    let made = all.map(|(selector, algorithm)| {
        let (key, _) = SigningKey::generate(algorithm).unwrap();
        (selector.to_owned(), key)
    });
    made.into()
}

fn name(selector: &str) -> String {
    format!("{selector}._domainkey.example.com")
}

/// A record as in a zone file, where a string has at most 255 octets.
fn of_zone(selector: &str, record: &str) -> String {
    let strings = record.as_bytes().chunks(200);
    let strings = strings.map(|part| format!("\"{}\"", String::from_utf8_lossy(part)));
    let strings = strings.collect::<Vec<_>>().join(" ");
    format!("{}. IN TXT {strings}", name(selector))
}

/// The messages of the parser's tests, signed as their author's server does it. Messages without an
/// author are not signed, and are left out.
fn signed(keys: Vec<(String, SigningKey)>) -> Vec<(String, Bytes)> {
    let keys = keys.into_iter().map(|(selector, key)| {
        let spec = SignatureSpec::new("example.com", selector);
        Key::new(spec, SharedKey::new(key)).for_all()
    });
    let layer = DkimSignLayer::new(keys, std::sync::Arc::new(SystemClock));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../koukan-core/tests/messages");
    let runtime = Runtime::new().unwrap();
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut message = fs::read(&path).unwrap();
        // In SMTP the last line ends with CRLF.
        if !message.ends_with(b"\r\n") {
            message.extend_from_slice(b"\r\n");
        }
        let upstream = Script::new();
        let signing = layer.layer(upstream.clone());
        let to = [rcpt("bob@example.org")];
        let sent = send(signing, mail("alice@example.com"), to, message.clone());
        assert!(runtime.block_on(sent).is_delivered(), "{name}");
        let signed = upstream.only_received().body.clone();
        if signed != message {
            all.push((name, signed));
        }
    }
    all.sort();
    all
}

/// The results of dkimpy for the messages in a folder, one in a line.
fn verified(folder: &Path, keys: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = root.join("koukan-mail-auth/tests/strangers/verify.py");
    let mut python = Command::new("/usr/bin/python3");
    let told = run(python.arg(script).arg(folder).arg(keys));
    told.lines().map(str::to_owned).collect()
}

fn config(directory: &TempDir, [smtp, dns, sink]: [SocketAddr; 3]) -> String {
    format!(
        r#"
hostname: mx.example.net
storage: {{ sqlite: "{}/queue.sqlite" }}
resolver: {{ server: ["{dns}"], timeout: 2s }}
retry: {{ min_attempt_time: 1s, max_attempt_time: 1s }}
smtp_listener: [{{ address: "{smtp}", sender: ingress }}]
notification: {{ sender: outgoing }}
sender:
  - {{ name: ingress, chain: ingress }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: ingress
    filter:
      - dkim_check
      - authentication_results
      - message_validation
      - message_parser
      - change_header: {{ add: [{{ name: X-Way, value: by mx.example.net }}] }}
      - received_header
    endpoint: {{ exploder: {{ policy: submission, sender: outgoing }} }}
  - name: outgoing
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
log: {{ level: error }}
"#,
        directory.path().display(),
    )
}

#[test]
fn messages_keep_the_signatures_that_they_came_with() {
    let directory = tempfile::tempdir().unwrap();
    let keys = keys();
    let records: Vec<_> = keys
        .iter()
        .map(|(selector, key)| (selector.clone(), key.record()))
        .collect();
    let zone: Vec<_> = records
        .iter()
        .map(|(selector, record)| of_zone(selector, record))
        .collect();
    let dns = Dns::serve(&zone.iter().map(String::as_str).collect::<Vec<_>>());
    let messages = signed(keys);
    assert!(messages.len() > 20, "{}", messages.len());

    let [smtp, sink] = [(); 2].map(|()| free_address());
    let text = config(&directory, [smtp, dns.address, sink]);
    let mut agent = Process::start_agent(&directory, &text);
    await_listener(smtp);
    let mut client = Client::connect(smtp).unwrap();
    let to = |name: &str| format!("{name}@example.org");
    for (name, message) in &messages {
        let sent = client.send_octets("alice@example.com", &[&to(name)], message);
        let sent = sent.unwrap();
        assert!(sent.is_accepted(), "{name}: {sent:?}");
    }
    // No destination accepts them, so they are only in the queue.
    agent.kill();
    let sink = Collector::listen(sink);
    let _agent = Process::start_agent(&directory, &text);

    let path = |name: &str| directory.path().join(name);
    for folder in ["sent", "received"] {
        fs::create_dir(path(folder)).unwrap();
    }
    for (name, message) in &messages {
        eventually(Duration::from_secs(60), || {
            !sink.octets(&to(name)).is_empty()
        });
        let received = sink.octets(&to(name)).remove(0);
        let (added, rest) = received.split_at(received.len() - message.len());
        assert!(rest == message, "{name} is not as it was sent");
        let added = String::from_utf8(added.to_vec()).unwrap();
        for field in ["Received: ", "X-Way: ", "Authentication-Results: "] {
            assert!(added.contains(field), "{name}: {added}");
        }
        // The agent's own results.
        assert_eq!(added.matches("dkim=pass").count(), 2, "{name}: {added}");
        let file = format!("{name}.eml");
        fs::write(path("sent").join(&file), message).unwrap();
        fs::write(path("received").join(&file), received).unwrap();
    }
    let records = records.into_iter();
    let records = records.map(|(selector, record)| (name(&selector), record.into()));
    let records = serde_json::Value::Object(records.collect());
    fs::write(path("keys.json"), records.to_string()).unwrap();
    let [sent, received] =
        ["sent", "received"].map(|folder| verified(&path(folder), &path("keys.json")));
    assert_eq!(sent, received);
    let good = received.iter().filter(|told| told.ends_with(" pass pass"));
    assert_eq!(good.count(), messages.len(), "{received:#?}");
}
