//! MAIL and RCPT: what is sent together, what waits, and which reply belongs to which command.

use koukan_core::reply::{RemoteMta, Reply};
use koukan_smtp::client::PoolSettings;

use super::{
    exchanges::{IN_A_BLOCK, MESSAGE, PIPELINED, RESET, SENT},
    net::Net,
    sending::{HOST, add, assert_own, hello, mail, progress_for, rcpt, send, send_mail, start},
};

#[tokio::test(start_paused = true)]
async fn commands_that_are_there_go_together() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           C: DATA
           S: 250 2.1.0 sender
           S: 250 2.1.5 b
           S: 550 5.1.1 no c
           S: 354 go
           C: hi
           C: .
           S: 250 2.0.0 queued"]);
    let replies = send(&net.endpoint(), &["b", "c"], "hi\r\n").await;
    assert_eq!(
        replies,
        [
            "250 2.1.0 sender",
            "250 2.1.5 b",
            "550 5.1.1 no c",
            "250 2.0.0 queued"
        ]
    );
    assert_eq!(net.writes(), 3, "EHLO, the envelope, the message");
    net.done().await;
}

/// Refused recipients do not count. Recipients beyond the limit are not sent.
#[tokio::test(start_paused = true)]
async fn a_host_accepts_no_more_recipients_than_is_said_of_it() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           S: 250 2.1.0 sender
           S: 250 2.1.5 b
           S: 550 5.1.1 no c
           C: RCPT TO:<d@mx.example>
           S: 250 2.1.5 d
           C: DATA
           S: 354 go
           C: hi
           C: .
           S: 250 2.0.0 queued"]);
    let endpoint = net.endpoint_with(|settings| {
        let mut pool = PoolSettings::default();
        pool.max_recipients = 2;
        settings.with_pool(pool)
    });
    let replies = send(&endpoint, &["b", "c", "d", "e", "f"], "hi\r\n").await;
    assert_eq!(
        replies[1..4],
        ["250 2.1.5 b", "550 5.1.1 no c", "250 2.1.5 d"]
    );
    assert!(replies[4].starts_with("452 4.5.3"), "{replies:?}");
    assert!(replies[5].starts_with("452 4.5.3"), "{replies:?}");
    assert_eq!(replies[6], "250 2.0.0 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_small_message_goes_with_its_envelope() {
    let net = Net::new([hello("PIPELINING CHUNKING")
        + IN_A_BLOCK
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: BDAT 2000 LAST
           READ 2000
           S: 250 sender
           S: 250 b
           S: 250 queued"]);
    let endpoint = net.endpoint();
    send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(net.writes(), 2, "EHLO, all else");
    let replies = send(&endpoint, &["b"], "x".repeat(2000)).await;
    assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
    assert_eq!(net.writes(), 1);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn without_pipelining_one_command_goes_at_a_time() {
    let net = Net::new([hello("CHUNKING")
        + "C: MAIL FROM:<a@me.example>
           QUIET
           S: 250 sender
           C: RCPT TO:<b@mx.example>
           QUIET
           S: 250 b
           C: RCPT TO:<c@mx.example>
           QUIET
           S: 450 c
           C: BDAT 4 LAST
           C: hi
           QUIET
           S: 250 queued"]);
    let replies = send(&net.endpoint(), &["b", "c"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "250 b", "450 c", "250 queued"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn each_reply_comes_back_before_the_next_command() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           QUIET
           S: 250 sender
           C: RCPT TO:<b@mx.example>
           QUIET
           S: 250 b
           C: RCPT TO:<c@mx.example>
           S: 451 4.7.1 later c
           C: RCPT TO:<d@mx.example>
           S: 250 d\n"
        + MESSAGE]);
    let (mut driver, pending) = start(&net.endpoint());
    assert_eq!(driver.wait(pending).await.to_string(), "250 sender");
    assert_eq!(add(&mut driver, "b").await.to_string(), "250 b");
    let (c, d) = (driver.rcpt(rcpt("c")).await, driver.rcpt(rcpt("d")).await);
    // The later reply may be asked for first.
    assert_eq!(driver.wait(d).await.to_string(), "250 d");
    assert_eq!(driver.wait(c).await.to_string(), "451 4.7.1 later c");
    driver.send("hi\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn replies_name_the_server() {
    let net = Net::new([hello("PIPELINING") + "C: MAIL FROM:<a@me.example>\nS: 550 no\nEOF"]);
    let (mut driver, pending) = start(&net.endpoint());
    let reply = driver.wait(pending).await;
    let remote = reply.extensions().get::<RemoteMta>().unwrap();
    assert_eq!(&*remote.host, "mx.example");
    assert_eq!(remote.address.to_string(), "192.0.2.1:25");
    drop(driver);
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_is_the_reply_to_all() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: DATA
           S: 550 5.7.1 not you
           S: 503 what
           S: 503 what"]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["550 5.7.1 not you"; 3]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn where_all_are_refused_the_final_reply_is_a_refusal() {
    for (b, c, last) in [
        ("550 no b", "550 no c", "550 no b"),
        ("550 no b", "450 later c", "450 later c"),
        ("450 later b", "550 no c", "450 later b"),
    ] {
        let net = Net::new([hello("PIPELINING")
            + "C: MAIL FROM:<a@me.example>
               C: RCPT TO:<b@mx.example>
               C: RCPT TO:<c@mx.example>
               C: DATA
               S: 250 sender\n"
            + &format!("S: {b}\nS: {c}\nS: 554 nobody")]);
        let replies = send(&net.endpoint(), &["b", "c"], "hi\r\n").await;
        assert_eq!(replies, ["250 sender", b, c, last]);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_data_for_nobody_gets_an_empty_message() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: DATA
           S: 250 sender
           S: 550 no b
           S: 354 go
           C: .
           S: 250 queued nothing"]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "550 no b", "550 no b"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_block_for_nobody_is_refused() {
    let net = Net::new([hello("PIPELINING CHUNKING")
        + SENT
        + "S: 250 sender
           S: 550 no b
           S: 503 nobody"]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "550 no b", "550 no b"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn after_refusals_another_recipient_may_come() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           C: RCPT TO:<b@mx.example>
           S: 550 no b
           QUIET
           C: RCPT TO:<c@mx.example>
           S: 250 c\n"
        + RESET
        + "EOF"]);
    let (mut driver, pending) = start(&net.endpoint());
    driver.wait(pending).await;
    assert!(add(&mut driver, "b").await.is_permanent());
    progress_for(&mut driver, 2).await;
    assert!(add(&mut driver, "c").await.is_positive());
    drop(driver);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn without_recipients_nothing_is_delivered() {
    let net = Net::new([hello("PIPELINING") + "C: MAIL FROM:<a@me.example>\nS: 250 sender"]);
    let replies = send(&net.endpoint(), &[], "hi\r\n").await;
    assert_eq!(replies[1], Reply::no_valid_recipients().to_string());
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn parameters_go_where_they_are_offered() {
    let net = Net::new([hello("PIPELINING SIZE_1000 8BITMIME")
        + "C: MAIL FROM:<a@me.example> SIZE=4 BODY=8BITMIME
           C: RCPT TO:<b@mx.example>
           C: DATA
           S: 250 sender
           S: 250 b
           S: 354 go
           C: hi
           C: .
           S: 250 queued"]);
    let mail = mail("BODY=8BITMIME X-ODD=1");
    let replies = send_mail(&net.endpoint(), mail, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn only_recipients_in_utf8_suffer_from_a_server_without() {
    let net = Net::new([hello("PIPELINING") + PIPELINED]);
    let replies = send(&net.endpoint(), &["ü", "b"], "hi\r\n").await;
    assert_own(&replies[1], &Reply::utf8_not_supported(), HOST, "");
    assert_eq!(replies[2..], ["250 b", "250 queued"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_recipient_in_utf8_asks_for_smtputf8() {
    let net = Net::new([hello("PIPELINING SMTPUTF8")
        + "C: MAIL FROM:<a@me.example> SMTPUTF8
           C: RCPT TO:<ü@mx.example>
           C: DATA
           S: 250 sender
           S: 550 no
           S: 554 nobody"]);
    send(&net.endpoint(), &["ü"], "hi\r\n").await;
    net.done().await;
}
