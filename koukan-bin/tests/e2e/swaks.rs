//! swaks, as a user would use it.

use crate::{
    agent::Agent,
    collector::{Collector, without_trace},
    peers::{peer, run},
};

#[test]
fn swaks_delivers_a_message_byte_for_byte() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let message = "Subject: from swaks\r\nFrom: c@example.org\r\n\r\n.\r\n..dots\r\n caf\u{e9}\r\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    // swaks itself adds the end of the last line.
    std::fs::write(file.path(), message.trim_end()).unwrap();
    let server = agent.ingress.to_string();
    let printed = run(peer("swaks")
        .args(["--to", "a@example.com", "--from", "c@example.org"])
        .args(["--server", &server, "--data"])
        .arg(format!("@{}", file.path().display())));
    assert!(
        printed.contains("<~  250 2.6.0") || printed.contains("<-  250 2.6.0"),
        "{printed}"
    );
    let got = sink.only_message("a@example.com");
    assert_eq!(without_trace(&got), message);
    assert!(got.starts_with("Received: from "), "{got}");
}
