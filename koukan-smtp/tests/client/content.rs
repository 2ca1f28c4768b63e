//! The message: framing, size, and how it is abandoned.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use koukan_core::{
    body::Body,
    reply::{Rejection, Reply},
    service::MailService,
    transaction::Transaction,
};
use tokio::time::sleep;
use tower::ServiceExt;

use super::{
    exchanges::{ENVELOPE, MESSAGE, PIPELINED, RESET},
    net::Net,
    sending::{HOST, assert_own, hello, mail, progress_for, send, send_mail, start, start_with},
};

#[tokio::test(start_paused = true)]
async fn dots_are_stuffed() {
    let net = Net::new([hello("PIPELINING")
        + ENVELOPE
        + "C: DATA
           S: 354 go
           C: ..
           C: a.
           C: ...b
           C: c
           C: .
           S: 250 queued"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    for chunk in [".", "\r\na.\r", "\n", ".", ".b\r\nc"] {
        driver.send(chunk.into()).await.unwrap();
    }
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn data_waits_for_the_body_since_nobody_can_go_back_after_it() {
    let net = Net::new([hello("PIPELINING") + ENVELOPE + "QUIET\n" + MESSAGE]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    driver.data();
    progress_for(&mut driver, 2).await;
    driver.send("hi\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn large_messages_flow() {
    let line = Bytes::from("x".repeat(998) + "\r\n");
    for (extensions, message) in [
        ("PIPELINING", "C: DATA\nS: 354 go\nREAD 3000000\nC: .\n"),
        ("CHUNKING", "BLOCKS 3000000\n"),
        ("CHUNKING PIPELINING", "BLOCKS 3000000\n"),
    ] {
        let net = Net::new([hello(extensions) + ENVELOPE + message + "S: 250 queued"]);
        let mut driver = start_with(&net.endpoint(), &["b"]).await;
        for _ in 0..3000 {
            driver.send(line.clone()).await.unwrap();
        }
        assert_eq!(driver.finish().await.to_string(), "250 queued");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_large_chunk_flows() {
    for (extensions, message) in [
        ("PIPELINING", "C: DATA\nS: 354 go\nREAD 3000002\nC: .\n"),
        ("CHUNKING", "BLOCKS 3000000\n"),
    ] {
        let net = Net::new([hello(extensions) + ENVELOPE + message + "S: 250 queued"]);
        let mut driver = start_with(&net.endpoint(), &["b"]).await;
        let body = Bytes::from("x".repeat(3_000_000));
        driver.whole_body(body.into());
        assert_eq!(driver.finish().await.to_string(), "250 queued");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn blocks_are_cut_where_the_body_is_not_there_yet() {
    let net = Net::new([hello("PIPELINING CHUNKING")
        + ENVELOPE
        + "C: BDAT 5
           C: one
           QUIET
           S: 250 go on
           C: BDAT 5
           C: two
           QUIET
           S: 250 go on
           C: BDAT 0 LAST
           S: 250 queued"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    for chunk in ["one\r\n", "two\r\n"] {
        driver.send(chunk.into()).await.unwrap();
        progress_for(&mut driver, 2).await;
    }
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_large_message_waits_for_a_recipient() {
    for extensions in ["PIPELINING", "PIPELINING CHUNKING"] {
        let data = |line| if extensions == "PIPELINING" { line } else { "" };
        let net = Net::new([hello(extensions)
            + "C: MAIL FROM:<a@me.example>
               C: RCPT TO:<b@mx.example>\n"
            + data("C: DATA\n")
            + "QUIET
               S: 250 sender
               S: 550 no b\n"
            + data("S: 554 nobody\n")
            + "EOF"]);
        let endpoint = net.endpoint();
        let replies = send(&endpoint, &["b"], "x".repeat(1_000_000)).await;
        assert_eq!(replies, ["250 sender", "550 no b", "550 no b"]);
        drop(endpoint);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_early_refusal_stops_the_message() {
    for reply in ["552 5.3.4 too much", "421 4.3.2 bye", "451 4.3.0 oops"] {
        for (extensions, start) in [
            ("PIPELINING", "C: DATA\nS: 354 go\nREAD 100000\n"),
            ("CHUNKING PIPELINING", "C: BDAT 10000000\nREAD 100000\n"),
        ] {
            let script = hello(extensions) + ENVELOPE + start;
            let net = Net::new([format!("{script}S: {reply}\nABORTED")]);
            let mut driver = start_with(&net.endpoint(), &["b"]).await;
            let body = Bytes::from("x".repeat(10_000_000));
            driver.whole_body(body.into());
            // Only the connection to the server closes: the client hears 450.
            let reply = reply.replace("421 ", "450 ");
            assert_eq!(driver.finish().await.to_string(), reply);
            net.done().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_refuse_and_close() {
    let net = Net::new([hello("PIPELINING")
        + ENVELOPE
        + "C: DATA
           S: 354 go
           READ 100
           S: 554 5.6.0 never
           CLOSE"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    let body = Bytes::from("x".repeat(10_000_000));
    driver.whole_body(body.into());
    assert_eq!(driver.finish().await.to_string(), "554 5.6.0 never");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_positive_reply_amid_the_message_is_not_believed() {
    let net = Net::new([hello("PIPELINING")
        + ENVELOPE
        + "C: DATA
           S: 354 go
           READ 100
           S: 250 queued
           ABORTED"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    let body = Bytes::from("x".repeat(10_000_000));
    driver.whole_body(body.into());
    let reply = driver.finish().await.to_string();
    assert_own(&reply, &Reply::bad_upstream_reply(), HOST, "message");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn an_aborted_message_is_never_ended() {
    for (extensions, start) in [
        ("PIPELINING", "C: DATA\nS: 354 go\nC: one\n"),
        ("PIPELINING CHUNKING", "C: BDAT 5\nC: one\nS: 250 go on\n"),
    ] {
        let net = Net::new([hello(extensions) + ENVELOPE + start + "ABORTED"]);
        let mut driver = start_with(&net.endpoint(), &["b"]).await;
        driver.send("one\r\n".into()).await.unwrap();
        progress_for(&mut driver, 1).await;
        drop(driver);
        net.done().await;
    }
}

/// Passes on all octets, and rejects the message at its end.
fn rejecting(endpoint: impl MailService) -> impl MailService {
    endpoint.map_request(|tx: Transaction| {
        tx.map_body(|body| {
            let verdict = async { Err(Rejection::new(Reply::bad_content()).into()) };
            Body::from_stream(body.chain(stream::once(verdict)))
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_rejects_at_the_last_moment_is_heard() {
    for (extensions, start) in [
        ("PIPELINING", "C: DATA\nS: 354 go\nC: one\n"),
        ("PIPELINING CHUNKING", "C: BDAT 5\nC: one\nS: 250 go on\n"),
        ("CHUNKING", "C: BDAT 5\nC: one\nS: 250 go on\n"),
    ] {
        let net = Net::new([hello(extensions) + ENVELOPE + start + "ABORTED"]);
        let endpoint = net.endpoint();
        let mut driver = start_with(&rejecting(endpoint.clone()), &["b"]).await;
        driver.send("one\r\n".into()).await.unwrap();
        progress_for(&mut driver, 1).await;
        assert_eq!(driver.finish().await, Reply::bad_content());
        drop((endpoint, driver));
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_before_data_costs_no_connection() {
    let net = Net::new([hello("PIPELINING")
        + ENVELOPE
        + RESET
        + "C: MAIL FROM:<a@me.example>
           S: 550 no more
           EOF"]);
    let endpoint = net.endpoint();
    let mut driver = start_with(&rejecting(endpoint.clone()), &["b"]).await;
    driver.send("one\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::bad_content());
    sleep(Duration::from_secs(1)).await;
    let (mut driver, pending) = start(&endpoint);
    assert_eq!(driver.wait(pending).await.to_string(), "550 no more");
    drop((endpoint, driver));
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_big_is_not_sent() {
    let net = Net::new([hello("PIPELINING SIZE_10") + "EOF"]);
    let endpoint = net.endpoint();
    for mail in [mail("SIZE=11"), mail("")] {
        let replies = send_mail(&endpoint, mail, &["b"], "hello world").await;
        assert_own(&replies[2], &Reply::message_too_big(), HOST, "");
    }
    drop(endpoint);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn eight_bit_content_needs_8bitmime_ascii_does_not() {
    let net = Net::new([hello("PIPELINING") + PIPELINED + "EOF"]);
    let endpoint = net.endpoint();
    let mail = mail("BODY=8BITMIME");
    let replies = send_mail(&endpoint, mail.clone(), &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued");
    let replies = send_mail(&endpoint, mail, &["b"], "hé\r\n").await;
    assert_own(&replies[2], &Reply::eight_bit_not_supported(), HOST, "");
    drop(endpoint);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn eight_bit_content_that_comes_late_is_abandoned() {
    let net = Net::new([hello("PIPELINING") + ENVELOPE + "C: DATA\nS: 354 go\nABORTED"]);
    let endpoint = net.endpoint().map_request(|tx: Transaction| {
        tx.map_mail(|mut command| {
            *command.request_mut() = mail("BODY=8BITMIME");
            command
        })
    });
    let mut driver = start_with(&endpoint, &["b"]).await;
    driver.send("hi\r\n".into()).await.unwrap();
    driver.send("hé\r\n".into()).await.unwrap();
    let reply = driver.finish().await.to_string();
    assert_own(&reply, &Reply::eight_bit_not_supported(), HOST, "");
    net.done().await;
}
