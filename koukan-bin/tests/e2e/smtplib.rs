//! Python's smtplib.

use crate::{
    agent::Agent,
    collector::{Collector, without_trace},
    peers::{peer, run},
};

const SCRIPT: &str = r#"
import smtplib, sys
host, port = sys.argv[1].split(":")
message = b"Subject: from smtplib\r\n\r\n" + b"x" * 900 + b"\r\n.\r\n..\r\n" + b"line\r\n" * 50000
with smtplib.SMTP(host, int(port)) as client:
    for number in range(3):
        refused = client.sendmail("c@example.org", [f"a{number}@example.com", "550@example.com"], message)
        assert list(refused) == ["550@example.com"], refused
    try:
        client.sendmail("c@example.org", ["550@example.com"], message)
    except smtplib.SMTPRecipientsRefused as error:
        assert error.recipients["550@example.com"][0] == 550
    else:
        raise SystemExit("not refused")
"#;

#[test]
fn smtplib_delivers_and_hears_refusals() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let server = agent.ingress.to_string();
    run(peer("python3").args(["-c", SCRIPT, &server]));
    for number in 0..3 {
        let got = sink.only_message(&format!("a{number}@example.com"));
        let sent = without_trace(&got);
        assert_eq!(sent.len(), 25 + 902 + 7 + 300_000, "{}", &sent[..100]);
        assert!(sent.contains("\r\n.\r\n..\r\nline\r\n"));
    }
}
