//! Servers whose replies are ambiguous.
//!
//! Once the message is sent, only the reply to it says what became of it. A client that gives up before
//! that reply sends the message again.

use koukan_core::reply::Reply;
use rstest::rstest;

use super::{
    exchanges::{ENVELOPE, QUIT, SENT, WITH_CARE},
    net::Net,
    sending::{HOST, assert_own, hello, send},
};

/// A small message goes with its envelope, so that all replies come after it: here for two
/// recipients.
const SENT_TO_TWO: &str = "C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: RCPT TO:<c@mx.example>
    C: BDAT 4 LAST
    C: hi\n";

fn sent(replies: &str) -> String {
    hello("PIPELINING CHUNKING") + SENT + &as_script(replies)
}

/// Replies that are separated by ` / `, as lines of a script.
fn as_script(replies: &str) -> String {
    let lines = replies.split(" / ");
    lines.map(|line| format!("S: {line}\n")).collect()
}

async fn last_of(replies: &str) -> String {
    let net = Net::new([sent(replies)]);
    send(&net.endpoint(), &["b"], "hi\r\n").await.pop().unwrap()
}

#[rstest]
#[case::yes_and_no("250 a / 250-a / 550 b / 250 queued", "250 queued")]
#[case::no_and_yes("250 a / 550-a / 250 b / 250 queued", "250 queued")]
#[case::above_the_range("250 a / 700 b / 250 queued", "250 queued")]
#[case::below_the_range("250 a / 199 b / 250 queued", "250 queued")]
#[case::out_of_place("250 a / 354 b / 250 queued", "250 queued")]
#[case::several_lines_out_of_range("250 a / 000-b / 000 b / 250 queued", "250 queued")]
#[case::mail_out_of_range("777 a / 250 b / 250 queued", "250 queued")]
#[case::mail_yes_and_no("250-a / 550 a / 250 b / 250 queued", "250 queued")]
#[case::a_line_without_a_code("250 a / welcome / 250 b / 250 queued", "250 queued")]
#[case::an_empty_line("250 a /  / 250 b / 250 queued", "250 queued")]
#[case::a_line_amid_a_reply("250-a / what / 250 a / 250 b / 250 queued", "250 queued")]
#[case::the_last_says_both("250 a / 250 b / 550-no / 250 queued", "250 no / queued")]
#[case::the_last_is_of_another_code("250 a / 250 b / 200 queued", "250 queued")]
#[case::all_nonsense("100 a / 600 b / 250 queued", "250 queued")]
#[case::go_ahead_before_the_last("250 a / 250 b / 354 x / 250 queued", "250 queued")]
#[case::below_the_range_before_the_last("250 a / 250 b / 199 x / 250 queued", "250 queued")]
#[case::above_the_range_before_the_last("250 a / 250 b / 650 x / 250 queued", "250 queued")]
#[case::several_before_the_last("250 a / 250 b / 100-x / 100 y / 354 z / 250 queued", "250 queued")]
#[case::refused_after_nonsense("250 a / 250 b / 354 x / 554 5.7.1 spam", "554 5.7.1 spam")]
#[tokio::test(start_paused = true)]
async fn an_accepted_message_is_accepted_whatever_was_said_before(
    #[case] replies: &str,
    #[case] last: &str,
) {
    assert_eq!(last_of(replies).await, last);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_of_an_accepted_message_is_accepted() {
    for odd in ["700 b", "250-b / 550 b", "334 b", "junk / 199 b"] {
        let net = Net::new([sent(&format!("250 a / {odd} / 250 queued"))]);
        let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
        let ok = Reply::recipient_ok().to_string();
        assert_eq!(replies, ["250 a", ok.as_str(), "250 queued"], "{odd}");
        net.done().await;
    }
}

#[rstest]
#[case::out_of_range("250 a / 700 b / 554 no", "554 no", "554 no")]
#[case::the_last_line_counts(
    "250 a / 250-b / 550 5.1.1 c / 554 no",
    "550 5.1.1 b / c",
    "550 5.1.1 b / c"
)]
#[case::accepted_after_all("250 a / 550-b / 250 c / 451 later", "250 b / c", "451 later")]
#[case::out_of_place("250 a / 354 b / 451 later", "451 later", "451 later")]
#[tokio::test(start_paused = true)]
async fn a_refused_message_is_refused_as_the_server_said(
    #[case] replies: &str,
    #[case] rcpt: &str,
    #[case] last: &str,
) {
    let net = Net::new([sent(replies)]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies[1..], [rcpt, last]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn beside_a_recipient_that_was_accepted_an_odd_one_is_tried_again() {
    for (odd, phase) in [("700 c", "RCPT"), ("354 c", "RCPT")] {
        let net = Net::new([hello("PIPELINING CHUNKING")
            + SENT_TO_TWO
            + &as_script(&format!("250 a / 250 b / {odd} / 250 queued"))]);
        let replies = send(&net.endpoint(), &["b", "c"], "hi\r\n").await;
        assert_own(&replies[2], &Reply::bad_upstream_reply(), HOST, phase);
        assert_eq!((&*replies[1], &*replies[3]), ("250 b", "250 queued"));
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_421_may_still_have_the_message() {
    for (replies, last) in [
        ("250 a / 421 4.3.2 bye / 250 queued", "250 queued"),
        ("250 a / 421 4.3.2 bye / 554 no", "450 4.3.2 bye"),
        ("250 a / 421 4.3.2 bye\nCLOSE", "450 4.3.2 bye"),
        ("250 a / 421 4.3.2 bye\nPAUSE 100", "450 4.3.2 bye"),
    ] {
        let (replies, then) = replies.split_once('\n').unwrap_or((replies, ""));
        let net = Net::new([sent(replies) + then]);
        let answers = send(&net.endpoint(), &["b"], "hi\r\n").await;
        assert_eq!(answers[2], last, "{replies}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_the_message_that_says_nothing_is_a_failure() {
    for odd in ["700 queued", "354 go on", "199 queued"] {
        let last = last_of(&format!("250 a / 250 b / {odd}")).await;
        assert_own(&last, &Reply::bad_upstream_reply(), HOST, "end of message");
    }
}

#[tokio::test(start_paused = true)]
async fn amid_the_message_what_decides_nothing_is_passed_over() {
    for odd in ["354 go on", "199 working", "650 x"] {
        let net = Net::new([hello("")
            + "C: MAIL FROM:<a@me.example>
               S: 250 a
               C: RCPT TO:<b@mx.example>
               S: 250 b
               C: DATA
               S: 354 go\n"
            + &as_script(odd)
            + "C: hi
               C: .
               S: 250 queued
               C: QUIT
               EOF"]);
        let endpoint = net.endpoint();
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies[2], "250 queued", "{odd}");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_before_the_last_reply_is_not_passed_over_for_ever() {
    let last = last_of(&format!("250 a / 250 b{}", " / 354 x".repeat(200))).await;
    assert_own(&last, &Reply::bad_upstream_reply(), HOST, "end of message");
}

#[tokio::test(start_paused = true)]
async fn a_last_reply_needs_no_line_end_where_the_server_closes() {
    let net = Net::new([sent("250 a / 250 b") + "RAW 250 2.0.0 queued\nCLOSE"]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 2.0.0 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stands_where_the_server_closes_after_it() {
    for (replies, last) in [
        ("550 5.7.1 not you", "550 5.7.1 not you"),
        ("250 a / 550 5.1.1 no b", "550 5.1.1 no b"),
    ] {
        let net = Net::new([sent(replies) + "CLOSE"]);
        let answers = send(&net.endpoint(), &["b"], "hi\r\n").await;
        assert_eq!(answers[2], last);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_nonsense_the_next_message_to_the_host_goes_with_care() {
    for odd in ["700 b", "250-b / 550 b", "what / 250 b", "354 b"] {
        let first = sent(&format!("250 a / {odd} / 250 queued")) + QUIT;
        let net = Net::new([first, hello("PIPELINING CHUNKING") + WITH_CARE + WITH_CARE]);
        let endpoint = net.endpoint();
        assert_eq!(send(&endpoint, &["b"], "hi\r\n").await[2], "250 queued");
        for _ in 0..2 {
            let replies = send(&endpoint, &["b"], "hi\r\n").await;
            assert_eq!(replies[2], "250 queued with care", "{odd}");
        }
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_message_without_any_reply_the_next_goes_with_care() {
    let net = Net::new([
        sent("250 a") + "CLOSE",
        hello("PIPELINING CHUNKING") + WITH_CARE,
    ]);
    let endpoint = net.endpoint();
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_own(&replies[2], &Reply::connection_lost(), HOST, "RCPT");
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued with care");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn with_care_an_odd_recipient_gets_no_message() {
    for odd in ["700 b", "354 b", "what"] {
        let net = Net::new([hello("")
            + "C: MAIL FROM:<a@me.example>
               S: 250 a
               C: RCPT TO:<b@mx.example>\n"
            + &as_script(odd)
            + "C: QUIT\nEOF"]);
        let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
        assert_own(&replies[2], &Reply::bad_upstream_reply(), HOST, "RCPT");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn data_that_went_ahead_of_an_odd_recipient_is_not_ended() {
    // An empty message might reach this host.
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: DATA
           S: 250 a
           S: 700 b
           S: 354 go
           C: QUIT
           EOF"]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_own(&replies[2], &Reply::bad_upstream_reply(), HOST, "RCPT");
    net.done().await;
}

#[rstest]
#[case::yes("250 go", "451 4.5.0")]
#[case::no("554 5.6.0 no", "554 5.6.0")]
#[case::out_of_range("699 go", "451 4.5.0")]
#[case::yes_and_no("354-go / 554 5.6.0 no", "554 5.6.0")]
#[tokio::test(start_paused = true)]
async fn without_leave_no_message_is_sent(#[case] answer: &str, #[case] last: &str) {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: DATA
           S: 250 a
           S: 250 b\n"
        + &as_script(answer)
        + "ABORTED"]);
    let endpoint = net.endpoint();
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with(last), "{}", replies[2]);
    drop(endpoint);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn one_reply_too_many_is_not_taken_for_the_last() {
    // The third reply is the surplus one: the message was refused.
    let net = Net::new([
        sent("250 a / 250 b / 250 b again / 554 5.7.1 spam"),
        hello("PIPELINING CHUNKING") + WITH_CARE,
    ]);
    let endpoint = net.endpoint();
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_own(
        &replies[2],
        &Reply::bad_upstream_reply(),
        HOST,
        "end of message",
    );
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued with care");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_last_reply_does_not_change_it() {
    for after in ["junk", "250 again", "421 4.3.2 bye"] {
        let last = last_of(&format!("250 a / 250 b / 250 queued / {after}")).await;
        assert_eq!(last, "250 queued", "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_surplus_reply_before_a_command_is_noticed() {
    for (script, phase) in [
        (
            "S: 220 mx\nC: EHLO me.example\nS: 250 mx\nS: 250 mx\n",
            "RCPT",
        ),
        (
            "S: 220 mx\nC: EHLO me.example\nS: 250 mx\nC: MAIL FROM:<a@me.example>\nS: 250 a\nS: 250 a\n",
            "RCPT",
        ),
    ] {
        let net = Net::new([script.to_owned() + "C: QUIT\nEOF"]);
        let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
        assert_own(&replies[2], &Reply::bad_upstream_reply(), HOST, phase);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn long_lines_and_bare_line_feeds_are_replies() {
    let long = "x".repeat(10_000);
    let net = Net::new([hello("PIPELINING CHUNKING")
        + SENT
        + &format!("LF 250-a / 250 a\nS: 250-{long}\nS: 250 {long}\nLF 250 queued\n")]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies[0], "250 a / a");
    assert!(replies[1].starts_with("250 xxx") && replies[1].len() < 10_000);
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn an_endless_reply_is_given_up() {
    let line = format!("S: 250-{}\n", "x".repeat(4000));
    let net = Net::new([sent("250 a / 250 b") + &line.repeat(300)]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_own(
        &replies[2],
        &Reply::bad_upstream_reply(),
        HOST,
        "end of message",
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_block_is_the_reason_unless_the_message_is_accepted() {
    for (replies, last) in [
        ("452 4.3.1 full / 503 what", "452 4.3.1 full"),
        ("452 4.3.1 full\nCLOSE", "452 4.3.1 full"),
        ("452 4.3.1 full / 250 queued", "250 queued"),
    ] {
        let (replies, then) = replies.split_once('\n').unwrap_or((replies, ""));
        let net = Net::new([hello("PIPELINING CHUNKING")
            + ENVELOPE
            + "C: BDAT 4
               C: hi
               C: BDAT 0 LAST\n"
            + &as_script(replies)
            + then]);
        let mut driver = super::sending::start_with(&net.endpoint(), &["b"]).await;
        driver.send("hi\r\n".into()).await.unwrap();
        super::sending::progress_for(&mut driver, 1).await;
        assert_eq!(driver.finish().await.to_string(), last);
    }
}
