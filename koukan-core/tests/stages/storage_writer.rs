//! The StorageWriter by itself.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    storage::{Custody, record::Terms},
    test_util::{Answer, Script, context, mail, rcpt},
    transaction::Driver,
};

use crate::agent::{Agent, turns, until};

const BOTH: Terms = Terms {
    retry: true,
    notify: true,
};

#[tokio::test(start_paused = true)]
async fn a_recipient_that_upstream_does_not_answer_gets_450_with_custody() {
    let upstream = Script::new().rcpt("b@y", Answer::Never);
    let agent = Agent::over(upstream).await;
    let (mut driver, mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let slow = driver.rcpt(rcpt("b@y")).await;
    let reply = driver.wait(slow).await;
    assert_eq!(reply, Reply::destination_timeout());
    assert!(reply.extensions().get::<Custody>().is_some());
    assert_eq!(agent.seconds(), 5);
    // The call goes on, and so does the attempt.
    let quick = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(quick).await, Reply::recipient_ok());
}

#[tokio::test(start_paused = true)]
async fn custody_of_an_incomplete_message_is_not_taken() {
    let upstream = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(upstream).await;
    let (mut driver, _mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    let pending = driver.rcpt(rcpt("b@y")).await;
    let reply = driver.wait(pending).await;
    let custody = reply.extensions().get::<Custody>().unwrap().clone();
    let hour = Duration::from_secs(3600);
    let waiting = tokio::time::timeout(hour, custody.take(BOTH));
    waiting.await.unwrap_err();
    driver.send("Subject: half".into()).await.unwrap();
    let waiting = tokio::time::timeout(hour, custody.take(BOTH));
    waiting.await.unwrap_err();
    drop(driver);
    custody.take(BOTH).await.unwrap_err();
    assert_eq!(agent.census().await, Default::default());
}

#[tokio::test(start_paused = true)]
async fn an_aborted_body_never_reaches_upstream_as_a_whole() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (mut driver, _mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    let pending = driver.rcpt(rcpt("b@y")).await;
    driver.wait(pending).await;
    driver.send("Subject: half".into()).await.unwrap();
    drop(driver);
    until(|| async { !upstream.received().is_empty() }).await;
    assert_eq!(
        upstream.only_received().end,
        koukan_core::test_util::End::Dropped
    );
    assert_eq!(agent.census().await, Default::default());
}

#[tokio::test(start_paused = true)]
async fn custody_can_be_taken_once_only() {
    let upstream = Script::new().message(Reply::mailbox_busy());
    let agent = Agent::over(turns([upstream])).await;
    let (mut driver, _mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    driver.send("\r\n".into()).await.unwrap();
    let reply = driver.finish().await;
    assert_eq!(reply, Reply::mailbox_busy());
    let custody = reply.extensions().get::<Custody>().unwrap();
    custody.take(BOTH).await.unwrap();
    custody.take(BOTH).await.unwrap_err();
    assert_eq!(agent.census().await.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_final_reply_that_does_not_come_is_451_and_the_attempt_goes_on() {
    let late = Answer::After(Duration::from_secs(11), Reply::message_accepted());
    let agent = Agent::over(Script::new().message(late)).await;
    let (mut driver, _mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    driver.send("\r\n".into()).await.unwrap();
    let reply = driver.finish().await;
    assert_eq!(reply, Reply::elapsed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Upstream has accepted it in the meantime: there is nothing left to commit.
    let custody = reply.extensions().get::<Custody>().unwrap();
    custody.take(BOTH).await.unwrap();
    assert_eq!(agent.census().await.waiting, 0);
}
