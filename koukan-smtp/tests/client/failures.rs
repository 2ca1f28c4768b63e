//! Servers that close, break the protocol, or say 421.

use koukan_core::reply::Reply;

use super::{
    exchanges::ENVELOPE,
    net::Net,
    sending::{HOST, add, assert_own, hello, mail, send, send_mail, start, start_with},
};

/// What the server does up to each phase of a transaction, one command at a time.
const PHASES: [&str; 5] = [
    "",
    "C: MAIL FROM:<a@me.example>\n",
    "S: 250 sender\nC: RCPT TO:<b@mx.example>\n",
    "S: 250 b\nC: DATA\n",
    "S: 354 go\nC: hi\nC: .\n",
];

/// The names of the phases in the client's own replies.
const NAMES: [&str; 5] = ["MAIL", "MAIL", "RCPT", "DATA", "end of message"];

/// A script in which the server does something else from this phase on.
fn script(phase: usize, then: &str) -> String {
    hello("") + &PHASES[..=phase].concat() + then
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_a_transient_failure() {
    for (phase, name) in NAMES.into_iter().enumerate() {
        let net = Net::new([script(phase, "CLOSE")]);
        let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
        assert_own(&replies[2], &Reply::connection_lost(), HOST, name);
        let positive = replies.iter().filter(|reply| reply.starts_with("250"));
        assert_eq!(positive.count(), phase.saturating_sub(1).min(2), "{phase}");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_says_the_final_word_and_closes_no_other_connection() {
    for phase in 1..PHASES.len() {
        let net = Net::new([script(phase, "S: 421 4.3.2 bye\nEOF")]);
        let endpoint = net.endpoint();
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies[2], "450 4.3.2 bye", "{phase}");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_reply_breaks_the_protocol() {
    for (phase, name) in NAMES.into_iter().enumerate().skip(1) {
        for nonsense in ["HTTP/1.1 200 OK", "700 eh", "199 eh", "334 eh"] {
            let is_go_ahead = phase == 3 && nonsense.starts_with('3');
            // The reply to the message may still follow a line that is not a reply.
            let is_passed_over = phase == 4 && nonsense.starts_with('H');
            if is_go_ahead || is_passed_over {
                continue;
            }
            let net = Net::new([script(phase, &format!("S: {nonsense}\nC: QUIT\nEOF"))]);
            let endpoint = net.endpoint();
            let replies = send(&endpoint, &["b"], "hi\r\n").await;
            assert_own(&replies[2], &Reply::bad_upstream_reply(), HOST, name);
            net.done().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_asked_for_breaks_the_protocol() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           S: 250 and more
           C: QUIT
           EOF"]);
    let (mut driver, pending) = start(&net.endpoint());
    assert!(driver.wait(pending).await.is_positive());
    driver.progress().await;
    let reply = driver.finish().await.to_string();
    assert_own(&reply, &Reply::bad_upstream_reply(), HOST, "RCPT");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_may_close_between_commands() {
    for (then, last) in [
        ("S: 421 4.4.2 too slow\nEOF", "450 4.4.2 too slow"),
        (
            "CLOSE",
            "451 4.4.2 lost the connection to mx.example (192.0.2.1:25) at RCPT",
        ),
    ] {
        let net = Net::new([hello("PIPELINING") + ENVELOPE + "PAUSE 100\n" + then]);
        let mut driver = start_with(&net.endpoint(), &["b"]).await;
        driver.progress().await;
        assert_eq!(driver.final_reply().unwrap().to_string(), last);
        assert_eq!(add(&mut driver, "c").await.to_string(), last);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn failures_name_the_server_too() {
    let net = Net::new([script(1, "CLOSE")]);
    let (mut driver, pending) = start(&net.endpoint());
    let reply = driver.wait(pending).await;
    assert_eq!(&*reply.server().unwrap().host, "mx.example");
    // The server has not said this.
    assert!(!reply.is_from_upstream());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_needs_tls_does_not_go_without() {
    let net = Net::new([] as [String; 0]);
    let replies = send_mail(&net.endpoint(), mail("REQUIRETLS"), &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("550 5.7.10 "), "{replies:?}");
    net.done().await;
}
