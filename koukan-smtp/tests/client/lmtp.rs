//! Servers that speak LMTP: a final reply for each recipient.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use koukan_core::{
    blob::BlobPool,
    reply::{Handover, Reply},
    signals::Destination,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    transaction::{Driver, Transaction},
};
use koukan_smtp::{Protocol, client::SmtpEndpoint};
use rstest::rstest;
use tower::{BoxError, ServiceExt, service_fn};

use super::{
    net::{Net, Next},
    sending::{HOST, add, assert_own, context, hello, mail, progress_for, rcpt, start},
};

/// The recipients.
const NAMES: [&str; 3] = ["b", "c", "d"];

fn lhlo(extensions: &str) -> String {
    hello(extensions).replace("C: EHLO", "C: LHLO")
}

fn endpoint(net: &Net) -> SmtpEndpoint {
    net.endpoint_with(|settings| settings.with_protocol(Protocol::Lmtp))
}

/// The envelope of three recipients of whom the second is refused, pipelined, with DATA.
const ENVELOPE: &str = "
    C: MAIL FROM:<a@me.example>
    C: RCPT TO:<b@mx.example>
    C: RCPT TO:<c@mx.example>
    C: RCPT TO:<d@mx.example>
    C: DATA
    S: 250 sender
    S: 250 b
    S: 550 5.1.1 no c
    S: 250 d
    S: 354 go
    C: hi
    C: .
";

/// Sends a small message to all three. Returns the replies to RCPT, and the final one.
async fn send(endpoint: &SmtpEndpoint) -> (Vec<String>, Reply) {
    let (mut driver, _mail) = start(endpoint);
    let mut waiting = Vec::new();
    for name in NAMES {
        waiting.push(driver.rcpt(rcpt(name)).await);
    }
    driver.whole_body(Bytes::from("hi\r\n").into());
    let last = driver.finish().await;
    let mut replies = Vec::new();
    for mut pending in waiting {
        replies.push(driver.wait(&mut pending).await.to_string());
    }
    (replies, last)
}

/// The final replies of the first and of the third.
fn own(last: &Reply) -> [String; 2] {
    [0, 2].map(|position| last.for_recipient(position).to_string())
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_a_reply_of_its_own_and_the_connection_is_kept() {
    let mixed = "S: 250 2.1.5 b has it
                 S: 452 4.2.2 d is full";
    let all = "S: 250 2.1.5 b has it
               S: 250-2.1.5 d
               S: 250 2.1.5 has it
               C: QUIT";
    let net = Net::new([lhlo("PIPELINING") + ENVELOPE + mixed + ENVELOPE + all]);
    let endpoint = endpoint(&net);
    let (rcpts, last) = send(&endpoint).await;
    assert_eq!(rcpts, ["250 b", "550 5.1.1 no c", "250 d"]);
    assert_eq!(own(&last), ["250 2.1.5 b has it", "452 4.2.2 d is full"]);
    assert_eq!(last.to_string(), "452 4.2.2 d is full");
    assert_eq!(last.for_recipient(0).handover(), Some(Handover::Delivered));
    assert_eq!(last.for_recipient(2).handover(), None);
    let (_, last) = send(&endpoint).await;
    assert_eq!(own(&last), ["250 2.1.5 b has it", "250 2.1.5 d / has it"]);
    assert!(last.is_positive());
    endpoint.close().await;
    net.done().await;
}

/// A server that takes BDAT gets the message when it has answered for all of the envelope, and the last
/// block when it has answered for those before it.
#[tokio::test(start_paused = true)]
async fn blocks_go_when_it_is_known_how_many_replies_are_to_come() {
    let net = Net::new([lhlo("PIPELINING CHUNKING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           C: RCPT TO:<d@mx.example>
           S: 250 sender
           S: 250 b
           QUIET
           S: 550 5.1.1 no c
           S: 250 d
           C: BDAT 4 LAST
           C: hi
           S: 550 5.7.1 not b
           S: 250 2.1.5 d has it"]);
    let (_, last) = send(&endpoint(&net)).await;
    assert_eq!(own(&last), ["550 5.7.1 not b", "250 2.1.5 d has it"]);
    net.done().await;

    let net = Net::new([lhlo("PIPELINING CHUNKING")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           C: RCPT TO:<b@mx.example>
           S: 250 b
           C: RCPT TO:<c@mx.example>
           S: 250 c
           C: BDAT 4
           C: hi
           QUIET
           S: 250 go on
           C: BDAT 4 LAST
           C: ho
           S: 250 2.1.5 b has it
           S: 250 2.1.5 c has it"]);
    let mut driver = super::sending::start_with(&endpoint(&net), &["b", "c"]).await;
    driver.send("hi\r\n".into()).await.unwrap();
    driver.data();
    progress_for(&mut driver, 3).await;
    driver.send("ho\r\n".into()).await.unwrap();
    let last = driver.finish().await;
    assert_eq!(last.for_recipient(1).to_string(), "250 2.1.5 c has it");
    assert!(last.is_positive());
    net.done().await;
}

#[rstest]
// `what`: what the server does after the first reply. The rest: what becomes of the other recipient.
#[case::gone("CLOSE", &Reply::connection_lost(), true)]
#[case::silent("PAUSE 601", &Reply::connection_lost(), true)]
#[case::closing("S: 421 4.3.2 closing", &Reply::service_closing(), false)]
#[tokio::test(start_paused = true)]
async fn who_has_no_reply_is_in_doubt_and_others_are_not(
    #[case] what: &str,
    #[case] like: &Reply,
    #[case] is_own: bool,
) {
    let net = Net::new([lhlo("PIPELINING") + ENVELOPE + "S: 250 2.1.5 b has it\n" + what]);
    let (_, last) = send(&endpoint(&net)).await;
    let [first, third] = own(&last);
    assert_eq!(first, "250 2.1.5 b has it");
    match is_own {
        true => assert_own(&third, like, HOST, "end of message"),
        false => assert_eq!(third, "450 4.3.2 closing"),
    }
    assert!(last.is_transient());
}

#[rstest]
#[case::too_many_that_differ(
    "S: 250 2.1.5 b
     S: 550 5.1.1 no c
     S: 250 2.1.5 d",
    None
)]
#[case::too_many_that_agree(
    "S: 250 2.1.5 b
     S: 250 2.1.5 c
     S: 250 2.1.5 d",
    Some(["250 2.1.5 b", "250 2.1.5 c"])
)]
#[case::two_in_one(
    "S: 250-2.1.5 b
     S: 550 5.1.1 no d",
    None
)]
#[case::no_code_that_there_is(
    "S: 999 what
     S: 250 2.1.5 d",
    None
)]
#[case::a_code_of_something_else(
    "S: 354 go
     S: 250 2.1.5 d",
    None
)]
#[tokio::test(start_paused = true)]
async fn where_it_is_not_certain_whose_replies_they_are_all_are_in_doubt(
    #[case] replies: &str,
    #[case] expected: Option<[&str; 2]>,
) {
    let net = Net::new([lhlo("PIPELINING") + ENVELOPE + replies]);
    let (_, last) = send(&endpoint(&net)).await;
    match expected {
        Some(expected) => assert_eq!(own(&last), expected),
        None => {
            for reply in own(&last) {
                assert_own(&reply, &Reply::bad_upstream_reply(), HOST, "end of message");
            }
        }
    }
}

#[rstest]
#[case::as_it_should("S: 503 5.5.1 nobody")]
#[case::all_the_same(
    "S: 354 go
     C: QUIT"
)]
#[tokio::test(start_paused = true)]
async fn a_message_for_nobody_is_not_sent(#[case] to_data: &str) {
    let net = Net::new([lhlo("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           C: RCPT TO:<d@mx.example>
           C: DATA
           S: 250 sender
           S: 550 5.1.1 no b
           S: 550 5.1.1 no c
           S: 450 4.2.1 not d now\n"
        + to_data]);
    let (rcpts, last) = send(&endpoint(&net)).await;
    assert_eq!(
        rcpts,
        ["550 5.1.1 no b", "550 5.1.1 no c", "450 4.2.1 not d now"]
    );
    assert_eq!(last.to_string(), "450 4.2.1 not d now");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_amid_the_message_is_for_one_recipient_at_most() {
    let script = |rcpts: &str| {
        lhlo("")
            + "C: MAIL FROM:<a@me.example>
               S: 250 sender\n"
            + rcpts
            + "C: DATA
               S: 354 go
               C: hi
               S: 552 5.3.4 too big
               EOF"
    };
    let b = "C: RCPT TO:<b@mx.example>
             S: 250 b\n";
    let c = "C: RCPT TO:<c@mx.example>
             S: 250 c\n";
    for (names, rcpts) in [(&["b"][..], b.to_owned()), (&["b", "c"], b.to_owned() + c)] {
        let net = Net::new([script(&rcpts)]);
        let endpoint = endpoint(&net);
        let mut driver = super::sending::start_with(&endpoint, names).await;
        driver.send("hi\r\n".into()).await.unwrap();
        driver.progress().await;
        let last = driver.final_reply().unwrap().to_string();
        match names.len() {
            1 => assert_eq!(last, "552 5.3.4 too big"),
            _ => assert_own(&last, &Reply::bad_upstream_reply(), HOST, "message"),
        }
        drop(driver);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_says_helo_to_a_server_that_knows_no_lhlo() {
    let net = Net::new(["S: 220 mx.example ESMTP
                         C: LHLO me.example
                         S: 500 5.5.1 what
                         C: QUIT"]);
    let (rcpts, last) = send(&endpoint(&net)).await;
    assert!(rcpts[0].starts_with("451 4.3.2 "), "{rcpts:?}");
    assert!(last.is_transient());
    net.done().await;
}

/// No MX records are looked up: this network has none.
#[tokio::test(start_paused = true)]
async fn a_domain_in_place_of_hosts_is_a_host() {
    let net = Net::new([lhlo("PIPELINING") + ENVELOPE + "S: 250 b\nS: 250 d"]);
    let settings = koukan_smtp::client::ClientSettings::new("me.example").unwrap();
    let endpoint = net.endpoint_of(settings.with_protocol(Protocol::Lmtp));
    let service = service_fn(move |tx: Transaction| {
        let host = "mx.example:24".parse().unwrap();
        tx.signals.set(Destination::of_domain(host)).unwrap();
        endpoint.clone().oneshot(tx)
    });
    let (mut driver, _mail) = Driver::start(service, context(), mail(""));
    for name in NAMES {
        let _rcpt = driver.rcpt(rcpt(name)).await;
    }
    driver.whole_body(Bytes::from("hi\r\n").into());
    assert!(driver.finish().await.is_positive());
    assert_eq!(net.addresses(), ["192.0.2.1:24"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn each_member_of_a_shared_transaction_is_told_its_own() {
    let net = Net::with([Next::Script(
        lhlo("PIPELINING")
            + "C: MAIL FROM:<a@me.example>
               C: RCPT TO:<b@mx.example>
               S: 250 sender
               S: 250 b
               C: RCPT TO:<c@mx.example>
               S: 250 c
               C: RCPT TO:<d@mx.example>
               S: 250 d
               C: DATA
               S: 354 go
               C: hi
               C: .
               S: 250 2.1.5 b has it
               S: 552 5.2.2 c is full
               S: 250 2.1.5 d has it",
    )]);
    let endpoint = endpoint(&net);
    let legs = Sharing::new(endpoint.clone()).with_demand(endpoint.demand());
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let legs = service_fn(move |tx: Transaction| {
        let (leg, log) = (legs.clone().oneshot(tx), Arc::clone(&log));
        async move {
            let reply = leg.await?;
            log.lock()
                .unwrap()
                .push((reply.to_string(), reply.handover()));
            Ok::<_, BoxError>(reply)
        }
    });
    let front = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let (mut driver, _mail) = Driver::start(front, context(), mail(""));
    for name in NAMES {
        assert!(add(&mut driver, name).await.is_positive());
    }
    driver.send("hi\r\n".into()).await.unwrap();
    driver.finish().await;
    net.done().await;
    let mut told = std::mem::take(&mut *told.lock().unwrap());
    told.sort_by(|(one, _), (other, _)| one.cmp(other));
    let delivered = Some(Handover::Delivered);
    let expected = [
        ("250 2.1.5 b has it", delivered),
        ("250 2.1.5 d has it", delivered),
        ("552 5.2.2 c is full", None),
    ];
    let expected = expected.map(|(reply, handover)| (reply.to_owned(), handover));
    assert_eq!(told, expected);
}
