//! A message is delivered while the client waits, and the client gets upstream's reply.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    stage::exploder::ReplyPolicy,
    test_util::{Answer, Script, mail, rcpt, send},
};
use tokio::{task::yield_now, time::Instant};

use crate::agent::Agent;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[tokio::test(start_paused = true)]
async fn upstream_replies_come_back_as_they_are() {
    let final_reply = Reply::message_accepted().with_text("queued as 1234");
    let upstream = Script::new().message(final_reply.clone());
    let agent = Agent::over(upstream.clone()).await;
    let outcome = send(agent.writer.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(final_reply));
    let received = upstream.only_received();
    assert_eq!(received.reverse_path().as_str(), "a@x");
    assert_eq!(received.recipient_texts(), ["b@y"]);
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_before_the_reply_and_a_summary_is_written_after() {
    let agent = Agent::over(Script::new()).await;
    let outcome = send(agent.writer.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!(census, Default::default());
    assert_eq!(agent.census().await.finished, 1);
}

/// A summary waits for others for a while, but not if a batch is full. So however many messages are delivered, their
/// summaries are written as fast as the disk takes them.
#[tokio::test(start_paused = true)]
async fn a_full_batch_of_summaries_waits_for_no_more() {
    let agent = Agent::over(Script::new()).await;
    let begun = Instant::now();
    for _ in 0..3000 {
        let outcome = send(agent.writer.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert!(outcome.is_delivered());
    }
    for _ in 0..100 {
        yield_now().await;
    }
    let census = agent.storage.backend().census().await.unwrap();
    assert!(census.finished >= 2048, "{census:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(agent.census().await.finished, 3000);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_summaries_does_not_wait_for_others() {
    let agent = Agent::over(Script::new()).await;
    let begun = Instant::now();
    let outcome = send(agent.writer.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
    // The first one waits for others by now.
    yield_now().await;
    agent.storage.flush().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(agent.census().await.finished, 1);
}

#[tokio::test(start_paused = true)]
async fn every_class_of_refusal_reaches_an_ingress_client() {
    for reply in [Reply::mailbox_busy(), Reply::no_such_user()] {
        let at_rcpt = Script::new().other_rcpts(reply.clone());
        let agent = Agent::over(at_rcpt).await;
        let front = agent.exploder(ReplyPolicy::Ingress);
        let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert_eq!(outcome.recipients[0], reply);

        let at_the_end = Script::new().message(reply.clone());
        let agent = Agent::over(at_the_end).await;
        let front = agent.exploder(ReplyPolicy::Ingress);
        let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert_eq!(outcome.recipients, [Reply::recipient_ok()]);
        assert_eq!(outcome.message, Some(reply));
        assert_eq!(agent.census().await, Default::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_reverse_path_answers_the_recipient() {
    let upstream = Script::new().mail(Answer::Return(Reply::policy_refused()));
    let agent = Agent::over(upstream).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.mail, Reply::sender_ok());
    assert_eq!(outcome.recipients, [Reply::policy_refused()]);
}

#[tokio::test(start_paused = true)]
async fn large_messages_pass_whole() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let message = "0123456789abcdef".repeat(100_000);
    let to = [rcpt("b@y"), rcpt("c@y"), rcpt("d@y")];
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), to, message.clone()).await;
    assert!(outcome.is_delivered());
    let received = upstream.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|received| received.text() == message));
}
