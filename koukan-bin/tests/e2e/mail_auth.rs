//! Mail authentication with the configurations of docs/mail-authentication.md, in running agents.

use std::{fs, path::Path, process::Command};

use crate::{
    client::Client,
    collector::{Collector, without_trace},
    peers::run,
    process::{Process, await_listener, free_address},
};

const PAGE: &str = include_str!("../../../docs/mail-authentication.md");
const MESSAGE: &str = "From: Alice <alice@example.com>\r\nTo: bob@example.org\r\nSubject: hi\r\n\r\n\
    hello  \r\n \r\n";

/// The block of YAML after that place in the page.
fn example(after: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(after).unwrap();
    let (_, rest) = rest.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0
}

/// The text of the record that `koukan dkim-key` prints.
fn text(record: &str) -> String {
    record.split('"').skip(1).step_by(2).collect()
}

#[test]
fn a_submitted_message_is_signed_for_every_recipient_as_the_page_says() {
    let sink = Collector::start();
    let directory = tempfile::tempdir().unwrap();
    let address = free_address();
    let folder = directory.path().display().to_string();
    let config = example("<!-- sign -->")
        .replace("/etc/koukan", &folder)
        .replace("/var/lib/koukan", &folder)
        .replace("127.0.0.1:587", &address.to_string())
        .replace("192.0.2.25:25", &sink.address.to_string());
    let mut records = serde_json::Map::new();
    for (selector, algorithm) in [("rsa2026", "rsa"), ("ed2026", "ed25519")] {
        let file = directory.path().join(format!("{selector}.pem"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_koukan"));
        command.args([
            "dkim-key",
            "--domain",
            "example.com",
            "--selector",
            selector,
        ]);
        command.args(["--algorithm", algorithm]).arg(file);
        let name = format!("{selector}._domainkey.example.com");
        records.insert(name, text(&run(&mut command)).into());
    }
    let _agent = Process::start_agent(&directory, &config);
    await_listener(address);
    let to = ["bob@example.org", "carol@example.org"];
    let mut client = Client::connect(address).unwrap();
    let sent = client.send("alice@example.com", &to, MESSAGE).unwrap();
    assert!(sent.is_accepted(), "{:?}", sent.message);

    let received = to.map(|to| sink.only_message(to));
    // One message, with a signature by each key.
    assert_eq!(received[0], received[1]);
    assert!(without_trace(&received[0]).starts_with("DKIM-Signature: "));
    assert!(received[0].ends_with(MESSAGE));
    fs::write(directory.path().join("received.eml"), &received[0]).unwrap();
    let keys = directory.path().join("keys.json");
    fs::write(&keys, serde_json::Value::Object(records).to_string()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut python = Command::new("/usr/bin/python3");
    let script = root.join("koukan-mail-auth/tests/strangers/verify.py");
    python.arg(script).arg(directory.path()).arg(keys);
    assert_eq!(run(&mut python), "received pass pass\n");
}
