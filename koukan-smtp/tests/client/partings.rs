//! What the client does with a connection when it gives up a transaction.

use std::{sync::mpsc, thread, time::Duration};

use koukan_smtp::client::PoolSettings;
use tokio::{
    runtime,
    time::{Instant, sleep, timeout},
};

use super::{
    exchanges::{ENVELOPE, ONE_BY_ONE, PIPELINED, QUIT, RESET},
    net::Net,
    sending::{add, hello, progress_for, send, start, start_with},
};

fn one_connection() -> PoolSettings {
    let mut pool = PoolSettings::default();
    pool.max_connections = 1;
    pool
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_reset_and_kept_when_the_client_gives_up() {
    for extensions in ["", "PIPELINING"] {
        let accepted = match extensions {
            "" => ONE_BY_ONE,
            _ => PIPELINED,
        };
        let net = Net::new([hello(extensions) + ENVELOPE + RESET + accepted + QUIT]);
        let endpoint = net.endpoint();
        let mut driver = start_with(&endpoint, &["b"]).await;
        // As a leg of an Exploder does, long before its client says DATA.
        driver.data();
        progress_for(&mut driver, 1).await;
        drop(driver);
        sleep(Duration::from_secs(1)).await;
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies[2], "250 queued");
        endpoint.close().await;
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn replies_that_are_owed_are_heard_out_before() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           PAUSE 1
           S: 250 sender
           S: 550 no b
           S: 250 c\n"
        + RESET
        + PIPELINED]);
    let endpoint = net.endpoint_with(|settings| settings.with_pool(one_connection()));
    let (mut driver, _mail) = start(&endpoint);
    let _b = driver.rcpt(super::sending::rcpt("b")).await;
    let _c = driver.rcpt(super::sending::rcpt("c")).await;
    timeout(Duration::from_millis(500), driver.progress())
        .await
        .unwrap_err();
    drop(driver);
    // A transaction that waits for the permit gets the connection with it.
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_silent_gets_quit_and_holds_up_nobody() {
    for asked in ["C: MAIL FROM:<a@me.example>\n", ENVELOPE] {
        let last = if asked == ENVELOPE { "C: RSET\n" } else { "" };
        let net = Net::new([
            hello("PIPELINING") + asked + last + "C: QUIT\nEOF",
            hello("PIPELINING") + PIPELINED,
        ]);
        let endpoint = net.endpoint_with(|settings| settings.with_pool(one_connection()));
        let (mut driver, mut mail) = start(&endpoint);
        let _ = timeout(Duration::from_secs(1), driver.wait(&mut mail)).await;
        if asked == ENVELOPE {
            assert!(add(&mut driver, "b").await.is_positive());
        }
        drop(driver);
        let start = Instant::now();
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies[2], "250 queued");
        assert!(
            start.elapsed() <= Duration::from_secs(3),
            "{:?}",
            start.elapsed()
        );
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn closing_the_endpoint_waits_for_connections_that_are_being_left() {
    let net = Net::new([hello("PIPELINING") + ENVELOPE + RESET + QUIT]);
    let endpoint = net.endpoint();
    drop(start_with(&endpoint, &["b"]).await);
    endpoint.close().await;
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_waits_for_a_message_is_not_told_rset() {
    // The server may take commands for lines of the message. So the connection is closed.
    let net = Net::new([hello("")
        + ENVELOPE
        + "C: DATA
           PAUSE 1
           S: 354 go
           C: QUIT
           EOF"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    driver.data();
    driver.send("hi\r\n".into()).await.unwrap();
    timeout(Duration::from_millis(500), driver.progress())
        .await
        .unwrap_err();
    drop(driver);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn amid_the_message_the_connection_is_closed() {
    let net = Net::new([hello("") + ENVELOPE + "C: DATA\nS: 354 go\nC: hi\nEOF"]);
    let mut driver = start_with(&net.endpoint(), &["b"]).await;
    driver.send("hi\r\n".into()).await.unwrap();
    timeout(Duration::from_secs(1), driver.progress())
        .await
        .unwrap_err();
    drop(driver);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn between_blocks_a_message_is_given_up_with_rset() {
    let net = Net::new([hello("CHUNKING")
        + ENVELOPE
        + "C: BDAT 4
           C: hi
           S: 250 go on\n"
        + RESET
        + QUIT]);
    let endpoint = net.endpoint();
    let mut driver = start_with(&endpoint, &["b"]).await;
    driver.send("hi\r\n".into()).await.unwrap();
    timeout(Duration::from_secs(1), driver.progress())
        .await
        .unwrap_err();
    drop(driver);
    endpoint.close().await;
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_during_the_handshake_leaves_politely() {
    for (script, last) in [
        ("S: 220 mx\nC: EHLO me.example\n", "C: QUIT\nEOF"),
        // A server may take a client that talks before the greeting for a robot.
        ("", "EOF"),
    ] {
        let net = Net::new([script.to_owned() + last]);
        let endpoint = net.endpoint();
        let (mut driver, _mail) = start(&endpoint);
        timeout(Duration::from_secs(1), driver.progress())
            .await
            .unwrap_err();
        drop(driver);
        net.done().await;
    }
}

#[test]
fn outside_of_a_runtime_the_connection_closes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let net = Net::new([hello("PIPELINING") + ENVELOPE + "EOF"]);
    let driver = runtime.block_on(async { start_with(&net.endpoint(), &["b"]).await });
    drop(driver);
    runtime.block_on(net.done());
}

/// A client that reads on would keep a thread busy for ever. So this has a thread of its own, which does that if need be.
#[test]
fn nothing_more_is_read_after_a_reply_without_an_end() {
    let endless = format!("S: 550-{}\n", "x".repeat(1000)).repeat(1100);
    let within = hello("") + "C: MAIL FROM:<a@me.example>\n" + &endless + "EOF";
    let at_quit = hello("PIPELINING") + PIPELINED + "C: QUIT\n" + &endless + "EOF";
    for (script, last) in [(within, "451 4.5.0"), (at_quit, "250 queued")] {
        let (end, ended) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut runtime = runtime::Builder::new_current_thread();
            let runtime = runtime.enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let net = Net::new([script]);
                let endpoint = net.endpoint();
                let replies = send(&endpoint, &["b"], "hi\r\n").await;
                endpoint.close().await;
                net.done().await;
                end.send(replies).unwrap();
            });
        });
        let replies = ended.recv_timeout(Duration::from_secs(60));
        let replies = replies.expect("it reads on and on");
        assert!(replies.last().unwrap().starts_with(last), "{replies:?}");
    }
}
