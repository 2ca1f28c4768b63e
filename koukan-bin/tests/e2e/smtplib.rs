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

/// `sendmail` sends octets unchanged, except for dots at the beginning of lines.
const BARE_LF: &str = r#"
import smtplib, sys
message = b"Subject: lines\n\n.dot\n.\nMAIL FROM:<evil@example.com>\n"
to = ["once@example.com", "once@Example.COM", "once@example.com"]
def send(address, message):
    host, port = address.split(":")
    with smtplib.SMTP(host, int(port)) as client:
        assert client.sendmail("c@example.org", to, message) == {}
def refused(address, message):
    try:
        send(address, message)
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 554, error
    else:
        raise SystemExit("not refused")
ingress, submission = sys.argv[1:]
refused(ingress, message)
refused(submission, b"Subject: lines\r\r\n\r\n")
send(submission, message)
"#;

#[test]
fn lines_that_end_with_lf_are_made_good_where_users_submit_mail() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    let (ingress, submission) = (agent.ingress.to_string(), agent.submission.to_string());
    run(peer("python3").args(["-c", BARE_LF, &ingress, &submission]));
    let expected = "Subject: lines\r\n\r\n.dot\r\n.\r\nMAIL FROM:<evil@example.com>\r\n\r\n";
    assert_eq!(
        without_trace(&sink.only_message("once@example.com")),
        expected
    );
    assert_eq!(sink.count(), 1);
}

/// Sends everything in one piece, and then closes the sending half of the connection.
const HALF_CLOSED: &str = r#"
import socket, sys
host, port = sys.argv[1].split(":")
with socket.create_connection((host, int(port))) as client:
    client.sendall(b"EHLO c\r\nMAIL FROM:<c@example.org>\r\nRCPT TO:<half@example.com>\r\nDATA\r\n"
        b"no header section\r\n.\r\n")
    client.shutdown(socket.SHUT_WR)
    replies = b""
    while octets := client.recv(4096):
        replies += octets
    assert replies.splitlines()[-1].startswith(b"250 2."), replies
"#;

#[test]
fn a_client_that_closes_its_half_hears_the_final_reply() {
    let sink = Collector::start();
    let agent = Agent::start(sink.address);
    run(peer("python3").args(["-c", HALF_CLOSED, &agent.ingress.to_string()]));
    let message = sink.only_message("half@example.com");
    assert_eq!(without_trace(&message), "\r\nno header section\r\n");
}

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
