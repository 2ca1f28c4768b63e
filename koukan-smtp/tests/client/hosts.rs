//! Which host gets the transaction, and how it is greeted.

use koukan_core::{
    reply::Reply,
    service::MailService,
    signals::Destination,
    transaction::{Command, Rcpt, Transaction},
};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
use tower::ServiceExt;

use super::{
    exchanges::{IN_A_BLOCK, ONE_BY_ONE, SENT, WITH_CARE},
    net::{Net, Next},
    sending::{add, assert_own, hello, send, start},
};

fn accepting() -> String {
    hello("PIPELINING CHUNKING") + IN_A_BLOCK
}

fn endpoint_to(net: &Net, hosts: &[&str]) -> SmtpEndpoint {
    let hosts: Vec<_> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    net.endpoint_with(|settings| settings.with_hosts(hosts))
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_before_mail() {
    for first in [
        Next::Refused,
        Next::Silent,
        Next::Script("S: 421 full\nEOF".into()),
        Next::Script("S: 450 later\nC: QUIT\nS: 221 bye\nEOF".into()),
        Next::Script("CLOSE".into()),
        Next::Script("S: hello\nEOF".into()),
        Next::Script("S: 554 5.7.1 not you\nC: QUIT\nS: 221 bye\nEOF".into()),
        Next::Script(
            "S: 220 mx\nC: EHLO me.example\nS: 550 no\nC: HELO me.example\nS: 550 no\nC: QUIT\nEOF"
                .into(),
        ),
        Next::Script("S: 220 mx\nC: EHLO me.example\nS: 451 later\nC: QUIT\nEOF".into()),
        Next::Script("S: 220 mx\nC: EHLO me.example\nS: 354 what\nC: QUIT\nEOF".into()),
        Next::Script("S: 220 mx\nC: EHLO me.example\nS: 700 what\nC: QUIT\nEOF".into()),
        Next::Script("S: 220 mx\nC: EHLO me.example\nCLOSE".into()),
    ] {
        let net = Net::with([first, Next::Script(accepting())]);
        let endpoint = endpoint_to(&net, &["192.0.2.7:25", "[2001:db8::1]:2525"]);
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies[2], "250 queued");
        assert_eq!(net.addresses(), ["192.0.2.7:25", "[2001:db8::1]:2525"]);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_refuses_its_service_for_good_is_no_reason_to_refuse_the_message() {
    for (script, phase) in [
        ("S: 554 5.7.1 not you\nC: QUIT\nS: 221 bye\nEOF", "greeting"),
        (
            "S: 220 mx\nC: EHLO me.example\nS: 550 no\nC: HELO me.example\nS: 554 5.7.1 not you\n\
             C: QUIT\nS: 221 bye\nEOF",
            "EHLO",
        ),
    ] {
        let net = Net::new([script, script]);
        let endpoint = endpoint_to(&net, &["mx.example:25", "192.0.2.8:25"]);
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        let expected =
            format!("451 4.3.2 192.0.2.8:25 refused its service at {phase}: 554 5.7.1 not you");
        assert_eq!(replies, [expected.as_str(); 3]);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_has_answered_mail_is_believed() {
    for last in ["450 no", "550 5.7.1 no"] {
        let net = Net::new([format!(
            "S: 220 mx\nC: EHLO me.example\nS: 250 mx\nC: MAIL FROM:<a@me.example>\nS: {last}"
        )]);
        let endpoint = endpoint_to(&net, &["192.0.2.7:25", "192.0.2.8:25"]);
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies, [last; 3]);
        net.done().await;
    }
}

/// What a server may do in place of the reply to MAIL, and the client's reaction.
const NO_REPLY_TO_MAIL: [&str; 7] = [
    "CLOSE",
    "S: 421 4.3.2 bye\nEOF",
    "S: 354 what\nC: QUIT\nEOF",
    "S: 700 what\nC: QUIT\nEOF",
    "S: HTTP/1.1 400 Bad Request\nC: QUIT\nEOF",
    "S: 250-sen\nCLOSE",
    "PAUSE 400\nC: QUIT\nEOF",
];

#[tokio::test(start_paused = true)]
async fn the_next_host_and_the_next_address_are_tried_until_one_has_answered_mail() {
    for then in NO_REPLY_TO_MAIL {
        for hosts in [&["192.0.2.1:25", "192.0.2.2:25"][..], &["two.example:25"]] {
            let first = hello("") + "C: MAIL FROM:<a@me.example>\n" + then;
            let net = Net::new([first, hello("") + ONE_BY_ONE]);
            let replies = send(&endpoint_to(&net, hosts), &["b"], "hi\r\n").await;
            assert_eq!(replies, ["250 sender", "250 b", "250 queued"], "{then}");
            assert_eq!(net.addresses(), ["192.0.2.1:25", "192.0.2.2:25"]);
            net.done().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_went_ahead_of_the_reply_to_mail_goes_to_the_next_host_with_care() {
    let net = Net::new([
        hello("PIPELINING CHUNKING") + SENT + "CLOSE",
        hello("PIPELINING CHUNKING") + WITH_CARE,
    ]);
    let replies = send(&endpoint_to(&net, &["two.example:25"]), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "250 b", "250 queued with care"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_where_the_first_answers_for_no_recipient() {
    for then in [
        "CLOSE",
        "S: 421 4.3.2 bye\nEOF",
        "S: 250-b\nCLOSE",
        "PAUSE 400\nC: QUIT\nEOF",
    ] {
        for hosts in [&["192.0.2.1:25", "192.0.2.2:25"][..], &["two.example:25"]] {
            let envelope = "C: MAIL FROM:<a@me.example>\nS: 250 first\nC: RCPT TO:<b@mx.example>\n";
            let first = hello("") + envelope + then;
            let net = Net::new([first, hello("") + ONE_BY_ONE]);
            let replies = send(&endpoint_to(&net, hosts), &["b"], "hi\r\n").await;
            assert_eq!(replies, ["250 first", "250 b", "250 queued"], "{then}");
            assert_eq!(net.addresses(), ["192.0.2.1:25", "192.0.2.2:25"]);
            net.done().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_host_may_refuse_the_sender_that_the_first_has_taken() {
    let net = Net::new([
        hello("")
            + "C: MAIL FROM:<a@me.example>
               S: 250 sender
               C: RCPT TO:<b@mx.example>
               CLOSE",
        hello("") + "C: MAIL FROM:<a@me.example>\nS: 550 5.7.1 not you",
    ]);
    let replies = send(&endpoint_to(&net, &["two.example:25"]), &["b"], "hi\r\n").await;
    assert_eq!(
        replies,
        ["250 sender", "550 5.7.1 not you", "550 5.7.1 not you"]
    );
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn all_recipients_go_to_the_next_host_in_their_order() {
    let pipelined = "C: MAIL FROM:<a@me.example>
        C: RCPT TO:<b@mx.example>
        C: RCPT TO:<c@mx.example>
        C: DATA\n";
    let net = Net::new([
        hello("PIPELINING") + pipelined + "S: 250 first\nS: 421 4.3.2 bye\nEOF",
        hello("PIPELINING")
            + pipelined
            + "S: 250 sender
               S: 250 b
               S: 550 c
               S: 354 go
               C: hi
               C: .
               S: 250 queued",
    ]);
    let endpoint = endpoint_to(&net, &["two.example:25"]);
    let replies = send(&endpoint, &["b", "c"], "hi\r\n").await;
    assert_eq!(replies, ["250 first", "250 b", "550 c", "250 queued"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_went_ahead_of_the_reply_to_rcpt_goes_to_the_next_host_with_care() {
    for then in ["CLOSE", "S: 421 4.3.2 bye\nCLOSE"] {
        let net = Net::new([
            hello("PIPELINING CHUNKING") + SENT + "S: 250 sender\n" + then,
            hello("PIPELINING CHUNKING") + WITH_CARE,
        ]);
        let replies = send(&endpoint_to(&net, &["two.example:25"]), &["b"], "hi\r\n").await;
        assert_eq!(
            replies,
            ["250 sender", "250 b", "250 queued with care"],
            "{then}"
        );
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn once_a_recipient_is_answered_there_is_no_other_host() {
    let net = Net::new([hello("")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           C: RCPT TO:<b@mx.example>
           S: 250 b
           C: DATA
           CLOSE"]);
    let endpoint = endpoint_to(&net, &["two.example:25", "192.0.2.9:25"]);
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    let host = "two.example (192.0.2.1:25)";
    assert_own(&replies[2], &Reply::connection_lost(), host, "DATA");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_positive_reply_that_ends_sessions_ends_no_session_of_the_clients() {
    let net = Net::new([hello("")
        + "C: MAIL FROM:<a@me.example>
           S: 221 a
           C: RCPT TO:<b@mx.example>
           S: 221 b
           C: DATA
           S: 354 go
           C: hi
           C: .
           S: 221 queued"]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 a", "250 b", "250 queued"]);
    net.done().await;
}

/// Some clients know 250 alone, and send a message again that was not accepted with it.
#[tokio::test(start_paused = true)]
async fn however_a_host_says_yes_the_client_hears_a_code_that_it_knows() {
    let net = Net::new([hello("")
        + "C: MAIL FROM:<a@me.example>
           S: 200 a
           C: RCPT TO:<b@mx.example>
           S: 252 b
           C: RCPT TO:<c@mx.example>
           S: 251 c
           C: DATA
           S: 354 go
           C: hi
           C: .
           S: 220 queued"]);
    let replies = send(&net.endpoint(), &["b", "c"], "hi\r\n").await;
    assert_eq!(replies, ["250 a", "250 b", "251 c", "250 queued"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn what_closes_the_session_is_passed_on_as_another_code_and_kept_as_it_was_said() {
    let mail = "C: MAIL FROM:<a@me.example>\n";
    let bye = "S: 421 4.3.2 bye\nEOF";
    let rcpt = "S: 250 a\nC: RCPT TO:<b@mx.example>\n";
    let data = "S: 250 b\nC: DATA\n";
    for said in [
        mail.to_owned() + bye,
        mail.to_owned() + rcpt + bye,
        mail.to_owned() + rcpt + data + bye,
    ] {
        let net = Net::new([hello("") + &said]);
        let (mut driver, _mail) = start(&net.endpoint());
        let _rcpt = driver.rcpt(super::sending::rcpt("b")).await;
        driver.send("hi\r\n".into()).await.unwrap();
        let reply = driver.finish().await;
        assert_eq!(reply.to_string(), "450 4.3.2 bye");
        assert_eq!(reply.as_said().to_string(), "421 4.3.2 bye");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn all_addresses_of_a_host_are_tried() {
    let net = Net::with([Next::Refused, Next::Script(accepting())]);
    let endpoint = endpoint_to(&net, &["two.example:25"]);
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued");
    assert_eq!(net.addresses(), ["192.0.2.1:25", "192.0.2.2:25"]);
}

#[tokio::test(start_paused = true)]
async fn where_no_host_works_the_last_failure_is_told() {
    for (hosts, reply) in [
        (
            ["unknown.example:25", "192.0.2.7:25"],
            Reply::connection_failed(),
        ),
        (
            ["192.0.2.7:25", "unknown.example:25"],
            Reply::directory_failed(),
        ),
        (
            ["192.0.2.7:25", "none.example:25"],
            Reply::directory_failed(),
        ),
    ] {
        let net = Net::with([Next::Refused]);
        let replies = send(&endpoint_to(&net, &hosts), &["b"], "hi\r\n").await;
        assert_own(&replies[0], &reply, hosts[1], "");
        assert!(replies.iter().all(|other| *other == replies[0]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_ehlo_is_greeted_with_helo() {
    let hello = "S: 220-mx
        S: 220 really
        C: EHLO me.example
        S: 502 what
        C: HELO me.example
        S: 250 mx\n";
    let net = Net::new([hello.to_owned() + ONE_BY_ONE]);
    let replies = send(&net.endpoint(), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
    net.done().await;
}

/// An endpoint without hosts of its own, below a filter that routes by the first recipient.
fn routed(net: &Net) -> impl MailService {
    let settings = ClientSettings::new("me.example").unwrap();
    net.endpoint_of(settings).map_request(|tx: Transaction| {
        let signals = tx.signals.clone();
        tx.map_recipients(|recipients| {
            recipients.map(move |rcpt: Command<Rcpt>| {
                let host = "192.0.2.9:25".parse().unwrap();
                let _ = signals.set(Destination::of_other([host]));
                rcpt
            })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn the_signal_may_come_with_the_first_recipient() {
    let net = Net::new([accepting()]);
    let replies = send(&routed(&net), &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
    assert_eq!(net.addresses(), ["192.0.2.9:25"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn mail_is_answered_where_the_recipient_waits_for_it() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           S: 550 5.7.1 not you
           S: 503 what"]);
    let (mut driver, pending) = start(&routed(&net));
    assert_eq!(driver.wait(pending).await, Reply::sender_ok());
    assert!(net.addresses().is_empty());
    let reply = add(&mut driver, "b").await;
    assert_eq!(reply.to_string(), "550 5.7.1 not you");
    assert_eq!(driver.finish().await, reply);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn nowhere_to_go_is_a_failure() {
    let settings = ClientSettings::new("me.example").unwrap();
    let net = Net::default();
    let endpoint = net.endpoint_of(settings);
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies, [Reply::local_error().to_string().as_str(); 3]);
    let replies = send(&endpoint, &[], "hi\r\n").await;
    assert_eq!(replies[1], Reply::no_valid_recipients().to_string());
}

#[test]
fn the_own_name_is_a_domain_or_a_literal() {
    assert!(ClientSettings::new("me.example").is_ok());
    assert!(ClientSettings::new("[192.0.2.1]").is_ok());
    for name in ["", "me example", "me\r\nRSET", "[me]"] {
        assert!(ClientSettings::new(name).is_err(), "{name:?}");
    }
}
