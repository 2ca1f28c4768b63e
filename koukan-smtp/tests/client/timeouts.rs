//! Each phase has its own timeout.

use std::time::Duration;

use bytes::Bytes;
use koukan_core::reply::Reply;
use koukan_smtp::client::ClientTimeouts;
use rstest::rstest;
use tokio::time::Instant;

use super::{
    exchanges::ENVELOPE,
    net::{Net, Next},
    sending::{HOST, assert_own, hello, progress_for, send, start_with},
};

/// A server that is silent from some phase on.
fn silent(phase: usize) -> Net {
    let script = [
        "S: 220 mx\nC: EHLO me.example\n",
        "S: 250 mx\nC: MAIL FROM:<a@me.example>\n",
        "S: 250 sender\nC: RCPT TO:<b@mx.example>\n",
        "S: 250 b\nC: DATA\n",
        "S: 354 go\nC: hi\nC: .\n",
    ];
    // Who has not greeted is told nothing.
    let last = if phase == 0 { "EOF" } else { "C: QUIT\nEOF" };
    Net::new([script[..phase].concat() + last])
}

#[rstest]
#[case::greeting(0, ClientTimeouts::default().greeting, "greeting")]
#[case::ehlo(1, ClientTimeouts::default().ehlo, "EHLO")]
#[case::mail(2, ClientTimeouts::default().mail, "MAIL")]
#[case::rcpt(3, ClientTimeouts::default().rcpt, "RCPT")]
#[case::data(4, ClientTimeouts::default().data, "DATA")]
#[case::end_of_data(5, ClientTimeouts::default().end_of_data, "end of message")]
#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up(
    #[case] phase: usize,
    #[case] patience: Duration,
    #[case] name: &str,
) {
    let net = silent(phase);
    let start = Instant::now();
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_own(&replies[2], &Reply::conversation_timed_out(), HOST, name);
    let waited = start.elapsed();
    assert!(waited >= patience && waited < patience + Duration::from_secs(1));
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_begins_to_say_what_nobody_asked_for_is_given_up() {
    let net = Net::new([hello("8BITMIME")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           S: 220-here, and more to come
           PAUSE 1000"]);
    let start = Instant::now();
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_own(&replies[2], &Reply::conversation_timed_out(), HOST, "RCPT");
    assert_eq!(start.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_more_of_the_message_is_given_up() {
    let net = Net::new([hello("PIPELINING")
        + ENVELOPE
        + "C: DATA
           S: 354 go
           PAUSE 170
           READ 1000
           PAUSE 1000"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    let start = Instant::now();
    let body = Bytes::from("x".repeat(10_000_000));
    driver.whole_body(body.into());
    let reply = driver.finish().await.to_string();
    assert_own(&reply, &Reply::conversation_timed_out(), HOST, "message");
    assert_eq!(start.elapsed().as_secs(), 170 + 180);
}

#[tokio::test(start_paused = true)]
async fn a_slow_originator_costs_the_server_nothing() {
    let net = Net::new([hello("PIPELINING")
        + ENVELOPE
        + "C: DATA
           S: 354 go
           C: hi
           C: .
           PAUSE 500
           S: 250 queued"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    progress_for(&mut driver, 3600).await;
    driver.data();
    progress_for(&mut driver, 3600).await;
    driver.send("hi\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await.to_string(), "250 queued");
}

#[tokio::test(start_paused = true)]
async fn connecting_and_resolving_take_limited_time() {
    let net = Net::with([Next::Silent]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_own(&replies[2], &Reply::connection_failed(), HOST, "");
    net.done().await;

    let host = "slow.example:25".parse().unwrap();
    let slow = Net::default().endpoint_with(|settings| settings.with_hosts([host]));
    let replies = send(&slow, &["b"], "hi\r\n").await;
    assert_own(
        &replies[2],
        &Reply::directory_failed(),
        "slow.example:25",
        "",
    );
}
