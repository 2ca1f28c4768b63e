//! Retries, and their end.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    stage::exploder::ReplyPolicy,
    test_util::{Answer, Script, mail, rcpt, send},
};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[tokio::test(start_paused = true)]
async fn attempts_grow_apart_until_one_succeeds() {
    let down = || Script::new().mail(Answer::Return(Reply::connection_failed()));
    let up = Script::new();
    let agent = Agent::over(turns([down(), down(), down(), up.clone()])).await;
    let dispatching = agent.dispatch();
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    until(|| async { !up.received().is_empty() }).await;
    // Sixty seconds, twice that, four times that, each up to a half more or less.
    assert!(
        (60 + 60 + 120..=90 + 180 + 360 + 5).contains(&agent.seconds()),
        "{}",
        agent.seconds()
    );
    dispatching.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_that_stops_lets_attempts_end() {
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let slow = Answer::After(Duration::from_secs(30), Reply::message_accepted());
    let up = Script::new().message(slow);
    let agent = Agent::over(turns([down, up.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.leased == 1 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 1);
    assert_eq!(agent.census().await.finished, 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dropped_gives_its_lease_back() {
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let agent = Agent::over(down).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    tokio::time::advance(Duration::from_secs(120)).await;
    let lease = agent
        .storage
        .lease_due(1, &[])
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!(agent.census().await.leased, 1);
    drop(lease);
    until(|| async { agent.census().await.waiting == 1 }).await;
}
