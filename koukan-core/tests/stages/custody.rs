//! Mail that cannot be delivered while the client waits is kept if the client expects that.

use koukan_core::{
    reply::Reply,
    stage::exploder::ReplyPolicy,
    storage::{Census, MemoryBackend},
    test_util::{Answer, Script, mail, rcpt, send},
};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn waiting(waiting: u64) -> Census {
    Census {
        waiting,
        ..Census::default()
    }
}

#[tokio::test(start_paused = true)]
async fn submission_hears_250_once_the_message_is_committed_and_it_is_retried() {
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let up = Script::new();
    let agent = Agent::over(turns([down, up.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(agent.census().await, waiting(1));
    assert!(up.received().is_empty());

    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    assert!((60..=90).contains(&agent.seconds()), "{}", agent.seconds());
    dispatching.stop().await;
    assert_eq!(up.only_received().text(), MESSAGE);
    assert_eq!(agent.census().await.finished, 1);
}

#[tokio::test(start_paused = true)]
async fn a_4xx_to_rcpt_is_250_at_submission_and_the_body_is_still_recorded() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let up = Script::new();
    let agent = Agent::over(turns([busy, up.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(agent.census().await, waiting(1));
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    assert_eq!(up.only_received().text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_5xx_is_5xx_at_submission_and_nothing_is_kept() {
    let refusing = Script::new().message(Reply::bad_content());
    let agent = Agent::over(refusing).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::bad_content()));
    assert_eq!(agent.census().await, Census::default());
}

#[tokio::test(start_paused = true)]
async fn where_recipients_differ_the_failed_ones_are_kept_and_the_rest_is_delivered() {
    let upstream = Script::new();
    let refused = Script::new().message(Reply::mailbox_busy());
    // One leg for each recipient, in order: the second fails at the end of its message.
    let agent = Agent::over(turns([upstream.clone(), refused, upstream.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let to = [rcpt("b@y"), rcpt("c@y"), rcpt("d@y")];
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(upstream.received().len(), 2);
    let census = agent.census().await;
    assert_eq!((census.waiting, census.finished), (1, 2));

    let dispatching = agent.dispatch();
    until(|| async { upstream.received().len() == 3 }).await;
    dispatching.stop().await;
    let last = upstream.received().pop().unwrap();
    assert_eq!(last.recipient_texts(), ["c@y"]);
    assert_eq!(last.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn custody_taken_while_the_attempt_goes_on_waits_for_its_end() {
    let slow = std::time::Duration::from_secs(60);
    let upstream = Script::new().message(Answer::After(slow, Reply::message_accepted()));
    let agent = Agent::over(upstream.clone()).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
    assert!(agent.seconds() < 60);
    assert_eq!(agent.census().await.leased, 1);
    until(|| async { agent.census().await.finished == 1 }).await;
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn custody_not_taken_cancels_the_attempt_that_went_on() {
    let upstream = Script::new().message(Answer::Never);
    let agent = Agent::over(upstream.clone()).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::elapsed()));
    until(|| async { !upstream.received().is_empty() }).await;
    assert_eq!(
        upstream.only_received().end,
        koukan_core::test_util::End::Dropped
    );
    assert_eq!(agent.census().await, Census::default());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_taken_survives_its_process() {
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let store = MemoryBackend::new();
    let backend = store.another_process();
    let first = Agent::on(store, down).await;
    let front = first.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y"), rcpt("c@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
    drop(first);

    let up = Script::new();
    let second = Agent::on(backend, up.clone()).await;
    let dispatching = second.dispatch();
    until(|| async { up.received().len() == 2 }).await;
    dispatching.stop().await;
    assert_eq!(second.census().await.finished, 2);
}
