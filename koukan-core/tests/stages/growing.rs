//! A message that is still being written, as an upload in pieces is, while its recipients are
//! answered.

use std::time::Duration;

use koukan_core::{
    blob::{Blob, BlobPool, BlobWriter},
    body::Body,
    reply::Reply,
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{Census, Custody},
    test_util::{Answer, Script, context, mail, rcpt},
    transaction::{Aborted, Driver},
};
use rstest::rstest;

use crate::agent::{Agent, TIMEOUTS, turns, until};

const PIECES: [&str; 3] = ["Subject: hi\r\n", "\r\n", "hello\r\n"];

/// Longer than any of the agent's timeouts.
const PAUSE: Duration = Duration::from_secs(15);

async fn write(mut writer: BlobWriter) {
    for piece in PIECES {
        tokio::time::sleep(PAUSE).await;
        writer.append(piece.into()).await.unwrap();
    }
    writer.finish();
}

/// A transaction whose message is there as far as the blob has grown.
async fn start(front: impl MailService, to: &[&str], blob: Blob) -> (Driver, Vec<Reply>) {
    let (mut driver, _mail) = Driver::start(front, context(), mail("a@x"));
    let mut replies = Vec::new();
    for to in to {
        let pending = driver.rcpt(rcpt(to)).await;
        replies.push(driver.wait(pending).await);
    }
    driver.whole_body(Body::from(blob));
    (driver, replies)
}

/// The replies to RCPT, and the final one, for a message that arrives slowly.
async fn send_slowly(front: impl MailService, to: &[&str]) -> (Vec<Reply>, Reply) {
    let (writer, blob) = BlobPool::default().create();
    let (mut driver, replies) = start(front, to, blob).await;
    let (last, ()) = tokio::join!(driver.finish(), write(writer));
    (replies, last)
}

#[rstest]
#[case::rcpt(Script::new().other_rcpts(Reply::mailbox_busy()))]
#[case::closing(Script::new().other_rcpts(Reply::service_closing()))]
#[case::mail(Script::new().mail(Reply::mailbox_busy()))]
#[case::instead_of_mail(Script::new().mail(Answer::Return(Reply::connection_failed())))]
#[case::silent(Script::new().other_rcpts(Answer::Never))]
#[case::amid_the_message(Script::new().message(Reply::mailbox_busy()))]
#[tokio::test(start_paused = true)]
async fn what_is_deferred_meanwhile_is_taken_into_custody_at_its_end(#[case] busy: Script) {
    for to in [&["b@y"][..], &["b@y", "c@y"]] {
        let up = Script::new();
        let scripts = to.iter().map(|_| busy.clone()).chain([up.clone()]);
        let agent = Agent::over(turns(scripts)).await;
        let (replies, last) = send_slowly(agent.exploder(ReplyPolicy::Submission), to).await;
        assert!(replies.iter().all(Reply::is_positive), "{replies:?}");
        assert_eq!(last, Reply::message_accepted());
        let census = agent.census().await;
        assert_eq!(census.waiting + census.leased, to.len() as u64);

        let dispatching = agent.dispatch();
        until(|| async { agent.census().await.finished == to.len() as u64 }).await;
        dispatching.stop().await;
        let received = up.received();
        assert!(received.iter().all(|one| one.text() == PIECES.concat()));
    }
}

#[tokio::test(start_paused = true)]
async fn beside_one_that_is_delivered_the_deferred_one_is_kept() {
    let busy = Script::new().message(Reply::mailbox_busy());
    let agent = Agent::over(turns([busy, Script::new()])).await;
    for policy in [ReplyPolicy::Ingress, ReplyPolicy::Submission] {
        let (_, last) = send_slowly(agent.exploder(policy), &["b@y", "c@y"]).await;
        assert_eq!(last, Reply::message_accepted(), "{policy:?}");
    }
    let census = agent.census().await;
    assert_eq!((census.waiting, census.finished), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_final_reply_begins_with_the_end_of_the_message() {
    let nearly = TIMEOUTS.final_reply - Duration::from_secs(1);
    let upstream = Script::new().message(Answer::After(nearly, Reply::message_accepted()));
    let agent = Agent::over(upstream).await;
    let (_, last) = send_slowly(agent.exploder(ReplyPolicy::Ingress), &["b@y"]).await;
    assert_eq!(last, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn where_the_message_is_never_whole_nothing_is_promised() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    for policy in [ReplyPolicy::Submission, ReplyPolicy::Ingress] {
        let agent = Agent::over(busy.clone()).await;
        let (mut writer, blob) = BlobPool::default().create();
        let (mut driver, _) = start(agent.exploder(policy), &["b@y"], blob).await;
        writer.append(PIECES[0].into()).await.unwrap();
        drop(writer);
        assert!(driver.finish().await.is_negative());
        assert_eq!(agent.census().await, Census::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_reply_with_custody_waits_until_custody_can_be_taken() {
    let agent = Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await;
    let (writer, blob) = BlobPool::default().create();
    let (mut driver, _) = start(agent.writer.clone(), &["b@y"], blob.clone()).await;
    let (last, ()) = tokio::join!(driver.finish(), write(writer));
    assert!(last.extensions().get::<Custody>().is_some());
    assert_ne!(blob.ended().await, Err(Aborted));
}
