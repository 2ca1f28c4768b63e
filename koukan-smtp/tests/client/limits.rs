//! Hosts that say how much they take (RFC 9422).

use koukan_core::reply::Reply;
use rstest::rstest;

use super::{
    net::Net,
    sending::{hello, send},
};

const TWO: &str = "
    C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: RCPT TO:<c@mx.example>
    S: 250 sender
    S: 250 b
    S: 250 c
    C: DATA
    S: 354 go
    C: hi
    C: .
    S: 250 queued
";

#[rstest]
#[case::more_than_there_are("LIMITS_RCPTMAX=100", false)]
#[case::fewer("LIMITS_MAILMAX=7_RCPTMAX=2", true)]
#[case::nonsense("LIMITS_RCPTMAX=0_RCPTMAX", false)]
#[tokio::test(start_paused = true)]
async fn a_host_gets_as_many_recipients_as_it_takes(#[case] limits: &str, #[case] is_full: bool) {
    let script = match is_full {
        true => TWO.to_owned(),
        false => TWO
            .replace(
                "<c@mx.example>",
                "<c@mx.example>\nC: RCPT TO:<d@mx.example>",
            )
            .replace("S: 250 c", "S: 250 c\nS: 250 d")
            .replace("C: DATA\n", "")
            .replace("S: 250 sender", "C: DATA\nS: 250 sender"),
    };
    let net = Net::new([hello(&format!("PIPELINING {limits}")) + &script]);
    let replies = send(&net.endpoint(), &["b", "c", "d"], "hi\r\n").await;
    let last = match is_full {
        true => Reply::too_many_recipients().to_string(),
        false => "250 d".to_owned(),
    };
    assert_eq!(replies[1..], ["250 b", "250 c", &last, "250 queued"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_as_many_messages_as_the_host_takes() {
    let hello = || hello("PIPELINING LIMITS_MAILMAX=2");
    let net = Net::new([hello() + TWO + TWO + "C: QUIT\nS: 221 bye", hello() + TWO]);
    let endpoint = net.endpoint();
    let script_order = ["b", "c"];
    for _ in 0..3 {
        let replies = send(&endpoint, &script_order, "hi\r\n").await;
        assert_eq!(replies.last().map(String::as_str), Some("250 queued"));
    }
    endpoint.close().await;
    net.done().await;
}
