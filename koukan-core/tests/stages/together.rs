//! The recipients of one message that are kept are kept together, once the whole message is there.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use koukan_core::{
    blob::BlobPool,
    body::Body,
    reply::Reply,
    stage::exploder::ReplyPolicy,
    storage::{
        Census, Custody, CustodyError,
        record::{SessionId, Standing, Terms},
    },
    test_util::{Answer, Script, context, mail, rcpt, send},
    transaction::{Driver, Rcpt},
};
use rstest::rstest;

use crate::{
    agent::{Agent, TIMEOUTS, turns, until},
    failing::{Failing, SLOW},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
const TERMS: Terms = Terms {
    retry: true,
    notify: false,
};

fn recipients(count: usize) -> Vec<Rcpt> {
    (0..count).map(|n| rcpt(&format!("b{n}@y"))).collect()
}

#[rstest]
#[case::rcpt(Script::new().other_rcpts(Reply::mailbox_busy()))]
#[case::amid_the_message(Script::new().message(Reply::mailbox_busy()))]
#[case::under_lease(Script::new().message(Answer::Never))]
#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_for_all_none_is_kept(#[case] busy: Script) {
    for count in [1, 5] {
        let backend = Failing::default();
        let agent = Agent::on(backend.clone(), busy.clone()).await;
        for room in 0..count {
            *backend.rows_left.lock().unwrap() = Some(room);
            let front = agent.exploder(ReplyPolicy::Submission);
            let outcome = send(front, mail("a@x"), recipients(count), MESSAGE).await;
            assert_eq!(outcome.message, Some(Reply::insufficient_storage()));
            assert_eq!(agent.census().await, Census::default(), "{room} of {count}");
            agent.storage.given_back().await;
        }
        *backend.rows_left.lock().unwrap() = Some(count);
        let front = agent.exploder(ReplyPolicy::Submission);
        let outcome = send(front, mail("a@x"), recipients(count), MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
        let census = agent.census().await;
        assert_eq!(census.waiting + census.leased, count as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn what_upstream_took_stands_where_the_rest_cannot_be_kept() {
    let backend = Failing::default();
    let up = Script::new();
    let busy = || Script::new().message(Reply::mailbox_busy());
    let agent = Agent::on(backend.clone(), turns([up.clone(), busy(), busy()])).await;
    backend.full_inserts.store(1, Ordering::Relaxed);
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), recipients(3), MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::insufficient_storage()));
    // A client with a reply for each recipient sends it again to those two alone.
    let told = [0, 1, 2].map(|index| outcome.verdict(index).clone());
    let refused = Reply::insufficient_storage;
    assert_eq!(told, [Reply::message_accepted(), refused(), refused()]);
    assert_eq!(up.received().len(), 1);
    assert_eq!(agent.census().await.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_was_lost_is_known() {
    for count in [1, 5] {
        let backend = Failing::default();
        let busy = Script::new().other_rcpts(Reply::mailbox_busy());
        let agent = Agent::on(backend.clone(), busy).await;
        backend.unanswered_inserts.store(1, Ordering::Relaxed);
        let front = agent.exploder(ReplyPolicy::Submission);
        let outcome = send(front, mail("a@x"), recipients(count), MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
        assert_eq!(agent.census().await.waiting, count as u64);
    }
}

/// A transaction whose recipient was deferred, and its custody.
async fn deferred(agent: &Agent) -> (Driver, Custody) {
    let (mut driver, _mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    let pending = driver.rcpt(rcpt("b@y")).await;
    let reply = driver.wait(pending).await;
    let custody = reply.extensions().get::<Custody>().unwrap().clone();
    (driver, custody)
}

#[tokio::test(start_paused = true)]
async fn custody_that_is_taken_early_waits_for_the_message() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(busy).await;
    let (mut driver, custody) = deferred(&agent).await;
    let (mut writer, blob) = BlobPool::default().create();
    let send = async {
        driver.data();
        tokio::time::sleep(SLOW).await;
        driver.whole_body(Body::from(blob));
        let write = async {
            for piece in ["Subject: hi\r\n", "\r\n", "hello\r\n"] {
                tokio::time::sleep(SLOW).await;
                writer.append(piece.into()).await.unwrap();
            }
            writer.finish();
        };
        tokio::join!(driver.finish(), write).0
    };
    let (taken, last) = tokio::join!(custody.take(TERMS), send);
    taken.unwrap();
    assert!(last.is_negative(), "{last:?}");
    assert_eq!(agent.census().await.waiting, 1);
    agent.storage.given_back().await;
}

#[tokio::test(start_paused = true)]
async fn custody_that_waits_ends_where_the_message_does_not_come() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(busy).await;
    // The client disconnects before the message or in the middle of it, or its upload is aborted.
    for amid in [None, Some(false), Some(true)] {
        let (mut driver, custody) = deferred(&agent).await;
        let (mut writer, blob) = BlobPool::default().create();
        let send = async move {
            driver.data();
            if let Some(is_aborted) = amid {
                driver.whole_body(Body::from(blob));
                writer.append("Subject: hi\r\n".into()).await.unwrap();
                if is_aborted {
                    tokio::time::sleep(SLOW).await;
                    drop(writer);
                    driver.finish().await;
                    return;
                }
            }
            tokio::select! {
                biased;
                () = driver.progress() => {}
                () = tokio::time::sleep(SLOW) => {}
            }
        };
        let (taken, ()) = tokio::join!(custody.take(TERMS), send);
        let error = taken.unwrap_err();
        assert!(
            matches!(error, CustodyError::Incomplete),
            "{amid:?}: {error}"
        );
        drop(custody);
        assert_eq!(agent.census().await, Census::default());
    }
}

#[tokio::test(start_paused = true)]
async fn custody_that_waits_ends_by_a_cancel() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(busy).await;
    let (_driver, custody) = deferred(&agent).await;
    let id = format!("{custody:?}");
    let id = id["Custody(".len()..id.len() - 1].parse().unwrap();
    let watch = agent.storage.watch(id).await.unwrap().unwrap();
    let cancel = async {
        tokio::time::sleep(SLOW).await;
        agent.storage.cancel(&watch).await.unwrap();
    };
    let (taken, ()) = tokio::join!(custody.take(TERMS), cancel);
    assert!(matches!(taken.unwrap_err(), CustodyError::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_ends_before_custody_is_taken_leaves_a_record() {
    let late = TIMEOUTS.final_reply + Duration::from_secs(5);
    let up = Script::new().message(Answer::After(late, Reply::message_accepted()));
    let agent = Agent::over(up.clone()).await;
    let (mut driver, _mail) = Driver::start(agent.writer.clone(), context(), mail("a@x"));
    let pending = driver.rcpt(rcpt("b@y")).await;
    driver.wait(pending).await;
    driver.data();
    driver.whole_body(Body::from(bytes::Bytes::from(MESSAGE)));
    let last = driver.finish().await;
    let custody = last.extensions().get::<Custody>().unwrap().clone();
    drop((driver, last));
    until(|| async { !up.received().is_empty() }).await;
    custody.take(TERMS).await.unwrap();
    drop(custody);
    agent.storage.given_back().await;
    assert_eq!(agent.census().await.finished, 1);
    let listed = agent.storage.backend().census().await.unwrap();
    assert_eq!((listed.waiting, listed.leased), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_ends_while_custody_is_taken_is_the_end() {
    for count in [1, 3] {
        let backend = Failing::default();
        let late = TIMEOUTS.final_reply + SLOW / 2;
        let up = Script::new().message(Answer::After(late, Reply::message_accepted()));
        let agent = Agent::on(backend.clone(), up.clone()).await;
        backend.slow_inserts.store(1, Ordering::Relaxed);
        let front = agent.exploder(ReplyPolicy::Submission);
        let outcome = send(front, mail("a@x"), recipients(count), MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
        let census = agent.census().await;
        assert_eq!((census.finished, census.leased), (count as u64, 0));
        assert_eq!(up.received().len(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_of_one_message_has_a_key_in_common() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(busy).await;
    let mut keys = Vec::new();
    for count in [1, 3, 2] {
        let front = agent.exploder(ReplyPolicy::Submission);
        let outcome = send(front, mail("a@x"), recipients(count), MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
        let later = agent.clock.now() + Duration::from_secs(3600);
        let session = SessionId::random();
        let backend = agent.storage.backend();
        let leased = backend.lease_due(session, later, Standing::Clear, 9, &[]);
        let leased = leased.await.unwrap().into_iter();
        let of_one: HashSet<_> = leased
            .map(|leased| leased.transaction.message_key)
            .collect();
        assert_eq!(of_one.len(), 1, "{of_one:?}");
        keys.extend(of_one);
    }
    assert_eq!(keys[0], None);
    assert!(keys[1].is_some() && keys[2].is_some() && keys[1] != keys[2]);
}
