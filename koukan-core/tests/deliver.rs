//! Deliver: a mail transaction as a unary call.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    test_util::{Answer, End, Script, mail, rcpt, send},
    transaction::Transaction,
};
use tokio::time::Instant;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[tokio::test(start_paused = true)]
async fn an_accepted_message_arrives_as_it_was_sent() {
    let upstream = Script::new();
    let outcome = send(upstream.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
    assert_eq!(outcome.mail, Reply::sender_ok());
    assert_eq!(outcome.verdict(0), &Reply::message_accepted());
    let received = upstream.only_received();
    assert_eq!(received.reverse_path().as_str(), "a@x");
    assert_eq!(received.recipient_texts(), ["b@y"]);
    assert_eq!(received.text(), MESSAGE);
    assert_eq!(received.end, End::Replied(Reply::message_accepted()));
}

#[tokio::test(start_paused = true)]
async fn replies_come_in_the_order_of_the_recipients() {
    let slow = Answer::After(Duration::from_secs(9), Reply::recipient_ok());
    let upstream = Script::new()
        .rcpt("slow@y", slow)
        .rcpt("none@y", Reply::no_such_user());
    let to = ["slow@y", "none@y", "b@y"].map(rcpt);
    let outcome = send(upstream.clone(), mail("a@x"), to, MESSAGE).await;
    let replies = [
        Reply::recipient_ok(),
        Reply::no_such_user(),
        Reply::recipient_ok(),
    ];
    assert_eq!(outcome.recipients, replies);
    assert!(!outcome.is_delivered() && !outcome.is_transient());
    assert_eq!(
        upstream.only_received().recipient_texts(),
        ["slow@y", "b@y"]
    );
}

#[tokio::test(start_paused = true)]
async fn recipients_do_not_wait_for_each_other() {
    let slow = Answer::After(Duration::from_secs(9), Reply::recipient_ok());
    let start = Instant::now();
    let to = (0..100).map(|n| rcpt(&format!("b{n}@y")));
    let upstream = Script::new().other_rcpts(slow);
    assert!(
        send(upstream, mail("a@x"), to, MESSAGE)
            .await
            .is_delivered()
    );
    assert_eq!(start.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn without_an_accepted_recipient_no_message_is_sent() {
    let upstream = Script::new().other_rcpts(Reply::mailbox_busy());
    let outcome = send(upstream.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, None);
    assert_eq!(outcome.verdict(0), &Reply::mailbox_busy());
    assert!(outcome.is_transient());
    assert_eq!(upstream.only_received().body, "");
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_stands_for_all_that_follows() {
    let upstream = Script::new().mail(Reply::policy_refused());
    let outcome = send(upstream, mail("a@x"), ["b@y", "c@y"].map(rcpt), MESSAGE).await;
    assert_eq!(outcome.mail, Reply::policy_refused());
    assert_eq!(
        outcome.recipients,
        [Reply::policy_refused(), Reply::policy_refused()]
    );
    assert_eq!(outcome.message, None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_ends_it_though_nobody_takes_the_recipients() {
    let refusing = tower::service_fn(|tx: Transaction| async move {
        let Transaction {
            mail,
            recipients: _held,
            ..
        } = tx;
        mail.answer(Reply::policy_refused());
        std::future::pending::<Result<Reply, tower::BoxError>>().await
    });
    let to = (0..100).map(|n| rcpt(&format!("b{n}@y")));
    let outcome = send(refusing, mail("a@x"), to, MESSAGE).await;
    assert_eq!(outcome.recipients.len(), 100);
    assert_eq!(outcome.verdict(99), &Reply::policy_refused());
}
