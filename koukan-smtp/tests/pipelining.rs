//! However a client packs its commands into packets, it gets the same replies in the same order.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use koukan_core::test_util::at_rest;
use koukan_smtp::{
    Server,
    server::{Connected, Limits},
};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a client may send next, sensible or not.
fn step() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just("MAIL FROM:<alice@example.com>\r\n"),
        1 => Just("MAIL FROM:<slow@example.com>\r\n"),
        1 => Just("MAIL FROM:<refused@example.com>\r\n"),
        1 => Just("MAIL FROM:<picky@example.com>\r\n"),
        1 => Just("MAIL FROM:<lazy@example.com>\r\n"),
        1 => Just("MAIL FROM:<ended@example.com>\r\n"),
        4 => Just("RCPT TO:<bob@example.com>\r\n"),
        2 => Just("RCPT TO:<slow@example.com>\r\n"),
        2 => Just("RCPT TO:<unknown@example.com>\r\n"),
        1 => Just("RCPT TO:<first-last@example.com>\r\n"),
        4 => Just("DATA\r\nhello\r\n..\r\n.\r\n"),
        1 => Just("DATA\r\nbad\nline\r\n.\r\n"),
        2 => Just("BDAT 5\r\nhello"),
        2 => Just("BDAT 7 LAST\r\nhello\r\n"),
        1 => Just("BDAT 3\r\na\nb"),
        1 => Just("RSET\r\n"),
        1 => Just("EHLO client\r\n"),
        1 => Just("EHLO slow\r\n"),
        1 => Just("EHLO bad\r\n"),
        1 => Just("NOOP\r\n"),
        1 => Just("PING\r\n"),
        1 => Just("NO\nOP\r\n"),
    ]
}

/// What the server says, and what the service saw.
async fn talk(octets: &[u8], cuts: &[usize]) -> (String, Vec<String>) {
    let log = support::Log::default();
    let server = Server::new(support::service(log.clone()))
        .with_greeter(support::greeter())
        .with_limits(
            Limits::default()
                .with_errors(u32::MAX)
                .with_idle_commands(u32::MAX),
        );
    let (client, theirs) = tokio::io::duplex(1 << 20);
    let session = tokio::spawn(server.serve(theirs, &Connected::default()));
    let (mut replies, mut client) = tokio::io::split(client);
    let (mut rest, mut cuts) = (octets, cuts.iter().cycle());
    while !rest.is_empty() {
        let (packet, after) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
        client.write_all(packet).await.unwrap();
        rest = after;
        at_rest().await;
    }
    client.shutdown().await.unwrap();
    let mut text = String::new();
    replies.read_to_string(&mut text).await.unwrap();
    session.await.unwrap();
    (support::without_ids(&text), without_fragments(log.rest()))
}

/// Leaves out whether a service saw the beginning of a message that was refused, and its abort:
/// the abort overtakes the beginning where both come together. Whole messages stay.
fn without_fragments(mut log: Vec<String>) -> Vec<String> {
    log.retain(|entry| entry != "data" && entry != "aborted");
    log
}

/// The service refuses MAIL, and takes no recipient.
#[tokio::test(start_paused = true)]
async fn a_refused_mail_is_told_however_many_recipients_follow_it() {
    for recipients in [1, 20, 127, 128, 129, 300] {
        let recipient = "RCPT TO:<bob@example.com>\r\n";
        let octets = format!(
            "EHLO client\r\nMAIL FROM:<refused@example.com>\r\n{}NOOP\r\nQUIT\r\n",
            recipient.repeat(recipients)
        );
        let (replies, _) = talk(octets.as_bytes(), &[octets.len()]).await;
        let codes: Vec<_> = replies
            .lines()
            .filter(|line| line.as_bytes()[3] == b' ')
            .map(|line| &line[..3])
            .collect();
        let mut expected = vec!["220", "250", "550"];
        expected.extend(std::iter::repeat_n("503", recipients));
        expected.extend(["250", "221"]);
        assert_eq!(codes, expected, "{recipients} recipients");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_do_not_matter(
        steps in prop::collection::vec(step(), 1..20),
        cuts in prop::collection::vec(1_usize..60, 1..10),
    ) {
        let octets = format!("EHLO client\r\n{}QUIT\r\n", steps.concat()).into_bytes();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let together = runtime.block_on(talk(&octets, &[octets.len()]));
        let apart = runtime.block_on(talk(&octets, &cuts));
        prop_assert!(together.0.ends_with("221 2.0.0 closing connection\r\n"));
        prop_assert_eq!(together, apart);
    }
}
