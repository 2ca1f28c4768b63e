//! A transaction ends normally when tokio's budget is exhausted: in the task of its originator, and
//! in those that run beside it.

use std::time::Duration;

use koukan_core::{
    context::Sender,
    reply::Reply,
    service::MailService,
    stage::exploder::ReplyPolicy,
    test_util::{Answer, Budget, Script, in_every_budget, mail, rcpt},
    transaction::{Driver, Transaction},
};
use tokio::task::yield_now;
use tower::{BoxError, service_fn};

use crate::agent::Agent;

/// Sends a message as a client that waits for each reply.
async fn send(service: impl MailService, to: &[&str]) -> Vec<Reply> {
    let context = koukan_core::context::Context::new(Sender::new("submission"));
    let (mut driver, reply) = Driver::start(service, context.into(), mail("a@x"));
    let mut replies = vec![driver.wait(reply).await];
    for to in to {
        let reply = driver.rcpt(rcpt(to)).await;
        replies.push(driver.wait(reply).await);
    }
    for octets in ["Subject: hi\r\n", "\r\nhello\r\n"] {
        // The client takes its time; meanwhile the call goes on.
        let _ = tokio::time::timeout(Duration::from_secs(1), driver.progress()).await;
        if driver.send(octets.into()).await.is_err() {
            break;
        }
    }
    replies.push(driver.finish().await);
    replies
}

/// The results of a message for two recipients, and what is queued of it.
async fn play(budget: Budget, upstream: Script) -> (Vec<Reply>, [u64; 3], usize) {
    let agent = Agent::over(budget.around_service(upstream.clone())).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let originator = budget.around(async move { send(front, &["b@y", "c@y"]).await });
    let replies = tokio::spawn(originator).await.unwrap();
    let census = agent.census().await;
    let census = [census.waiting, census.leased, census.finished];
    (replies, census, upstream.received().len())
}

#[test]
fn a_message_that_is_taken_at_once() {
    in_every_budget(async |budget| play(budget, Script::new()).await);
}

#[test]
fn a_message_that_is_taken_later() {
    in_every_budget(async |budget| {
        let later = |reply| Answer::After(Duration::from_secs(3), reply);
        let upstream = Script::new().rcpt("b@y", later(Reply::recipient_ok()));
        let upstream = upstream.message(later(Reply::message_accepted()));
        play(budget, upstream).await
    });
}

#[test]
fn a_message_that_is_taken_into_custody() {
    in_every_budget(async |budget| {
        play(budget, Script::new().message(Reply::mailbox_busy())).await
    });
}

/// The attempt goes on by itself while the client no longer waits.
#[test]
fn a_message_that_is_taken_into_custody_under_way() {
    in_every_budget(async |budget| {
        let later = Answer::After(Duration::from_secs(3600), Reply::message_accepted());
        play(budget, Script::new().message(later)).await
    });
}

/// Streams that were handed to another task, and a slot that is dropped there.
#[test]
fn streams_that_another_task_reads() {
    in_every_budget(async |budget| {
        let tasks = budget.clone();
        let service = service_fn(move |mut tx: Transaction| {
            let reading = tokio::spawn(tasks.around(async move {
                tx.mail.answer(Reply::sender_ok());
                let mut count = 0;
                while let Some(rcpt) = tx.recipients.next().await? {
                    yield_now().await;
                    count += 1;
                    if count == 2 {
                        drop(rcpt);
                    } else {
                        rcpt.answer(Reply::recipient_ok());
                    }
                }
                while tx.body.next().await?.is_some() {}
                Ok::<_, BoxError>(Reply::message_accepted())
            }));
            async move { reading.await? }
        });
        let sent = send(service, &["b@y", "c@y", "d@y"]);
        tokio::spawn(budget.around(sent)).await.unwrap()
    });
}
