//! The agent as an LMTP server, with Python's smtplib as its client.

use super::{AIOSMTPD, Front};
use crate::{
    peers::{peer, python_peer, run},
    process::{Process, await_listener, free_address},
};

/// Sends messages, and compares the replies with those that are expected for each recipient.
const SCRIPT: &str = r#"
import smtplib, sys
host, port = sys.argv[1].split(":")
expected = [pair.split("=") for pair in sys.argv[2:]]
def send(client, number):
    assert client.mail("c@example.org")[0] == 250
    for name, _ in expected:
        reply = client.rcpt(f"{name}{number}@example.com")
        assert reply[0] == 250, reply
    client.putcmd("data")
    assert client.getreply()[0] == 354
    client.send(b"Subject: by lmtp\r\n\r\n..dot\r\n.\r\n")
    return [str(client.getreply()[0]) for _ in expected]
with smtplib.LMTP(host, int(port)) as client:
    assert client.docmd("EHLO", "me")[0] == 500
    client.ehlo_or_helo_if_needed()
    assert client.has_extn("pipelining")
    for number in range(3):
        replies = send(client, number)
        assert replies == [code for _, code in expected], replies
    refused = client.sendmail("c@example.org", ["d@example.com"], b"Subject: x\r\n\r\nhi\r\n")
    assert refused == {}, refused
"#;

/// Sends messages by smtplib through an agent whose exploder has that policy; returns how many
/// notifications their sender got.
fn send(policy: &str, expected: &[&str]) -> usize {
    let address = free_address();
    let mut server = python_peer("python");
    let _server = Process::start(server.args(["-c", AIOSMTPD, &address.to_string()]));
    await_listener(address);
    let front = Front::start_with(address, |config| {
        config
            .replace("sender: submission }", "sender: submission, lmtp: true }")
            .replace("policy: submission", &format!("policy: {policy}"))
    });
    let own = front.address.to_string();
    run(peer("python3").args(["-c", SCRIPT, &own]).args(expected));
    front.notices.count()
}

/// The legs are attempted while the client waits, and are refused when the whole message is there.
/// Only the client is told.
#[test]
fn smtplib_hears_of_each_recipient_what_became_of_it() {
    let expected = ["kept=250", "never=554", "also=250", "later=450"];
    assert_eq!(send("ingress", &expected), 0);
}

#[test]
fn what_can_succeed_later_is_kept_for_a_users_program() {
    let expected = ["later=250", "never=554", "kept=250"];
    assert_eq!(send("submission", &expected), 0);
}
