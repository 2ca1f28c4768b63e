//! A message that needs all extensions.

use std::net::SocketAddr;

use crate::client::Client;

/// Its content: octets beyond ASCII, also in the header, and dots that must be doubled. It has all
/// the fields that servers would add.
pub(super) const CONTENT: &str = "Message-Id: <1@example.org>\r\n\
    Date: Fri, 27 Nov 2026 09:00:00 +0000\r\nFrom: alice@example.org\r\n\
    Subject: Grüße\r\n\r\n.\r\n..\r\nhällo\r\n";

/// The parameters of MAIL about notifications.
pub(super) const OF_MAIL: &str = "RET=HDRS ENVID=QQ314";

/// The parameters of RCPT about notifications.
pub(super) const OF_RCPT: &str = "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@example.org";

/// Sends the message to that server, without TLS.
pub(super) fn send(server: SocketAddr, from: &str, to: &str) {
    let mut client = Client::connect(server).unwrap();
    let dots = CONTENT.replace("\r\n.", "\r\n..");
    for (line, expected) in [
        (
            format!("MAIL FROM:<{from}> BODY=8BITMIME SMTPUTF8 {OF_MAIL}"),
            "250",
        ),
        (format!("RCPT TO:<{to}> {OF_RCPT}"), "250"),
        ("DATA".into(), "354"),
        (format!("{dots}."), "250"),
        ("QUIT".into(), "221"),
    ] {
        let reply = client.command(&line).unwrap();
        assert!(reply.starts_with(expected), "{line}: {reply}");
    }
}
