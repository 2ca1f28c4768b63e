//! When a backend fails, nothing that was acknowledged is lost, and nothing more is acknowledged.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use koukan_core::{
    reply::Reply,
    stage::exploder::ReplyPolicy,
    storage::{
        Drain, Queue,
        record::{FinalReason, QueueAction, SessionId},
    },
    test_util::{Answer, Script, mail, rcpt, send},
};
use tower::ServiceExt;

use crate::{
    agent::{Agent, turns, until},
    failing::{Failing, LATE, SLOW},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn down() -> Script {
    Script::new().mail(Answer::Return(Reply::connection_failed()))
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_452_and_the_next_message_is_taken_again() {
    let backend = Failing::default();
    backend.full_inserts.store(1, Ordering::Relaxed);
    let agent = Agent::on(backend, down()).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::insufficient_storage()));
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(agent.census().await.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_written_is_written_later() {
    let backend = Failing::default();
    let up = Script::new();
    let agent = Agent::on(backend.clone(), turns([down(), up.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    backend.failed_settlements.store(5, Ordering::Relaxed);
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_was_written_is_known_though_the_answer_was_lost() {
    let backend = Failing::default();
    let up = Script::new();
    let agent = Agent::on(backend.clone(), turns([down(), down(), up.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    // The settlement of the second attempt, after which the dispatcher must know when the third is
    // due.
    backend.unanswered_settlements.store(1, Ordering::Relaxed);
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 1);
}

/// An agent that accepted a message to a destination that is down, an hour ago.
async fn with_one_due(backend: &Failing, upstreams: impl IntoIterator<Item = Script>) -> Agent {
    let agent = with_one_kept(backend, upstreams).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    agent
}

async fn with_one_kept(backend: &Failing, upstreams: impl IntoIterator<Item = Script>) -> Agent {
    let agent = Agent::on(
        backend.clone(),
        turns([down()].into_iter().chain(upstreams)),
    )
    .await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    agent
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_given_back_is_given_back_later() {
    let backend = Failing::default();
    let up = Script::new();
    let agent = with_one_due(&backend, [up.clone()]).await;
    for failing in [
        &backend.failed_releases,
        &backend.odd_releases,
        &backend.panicking_releases,
        &backend.unanswered_releases,
    ] {
        failing.store(3, Ordering::Relaxed);
        let leases = agent.storage.lease_due(10, &[]).await.unwrap();
        assert_eq!(leases.len(), 1);
        agent.storage.drain(Drain::Committed);
        drop(leases);
        until(|| async { agent.census().await.leased == 0 }).await;
        assert_eq!(agent.census().await.waiting, 1);
        // Until the storage has the answer, too.
        agent.storage.given_back().await;
        agent.storage.drain(Drain::No);
        failing.store(0, Ordering::Relaxed);
    }
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_written_in_whatever_way_that_has_failed() {
    for failing in [
        |backend: &Failing| Arc::clone(&backend.failed_settlements),
        |backend: &Failing| Arc::clone(&backend.odd_settlements),
        |backend: &Failing| Arc::clone(&backend.panicking_settlements),
        |backend: &Failing| Arc::clone(&backend.unanswered_settlements),
    ] {
        let backend = Failing::default();
        let up = Script::new();
        let agent = with_one_due(&backend, [up.clone()]).await;
        failing(&backend).store(3, Ordering::Relaxed);
        let dispatching = agent.dispatch();
        until(|| async { agent.census().await.finished == 1 }).await;
        dispatching.stop().await;
        agent.storage.given_back().await;
        assert_eq!(up.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_nobody_waits_for_any_more_is_written() {
    for failing in [
        |backend: &Failing| Arc::clone(&backend.slow_settlements),
        |backend: &Failing| Arc::clone(&backend.failed_settlements),
        |backend: &Failing| Arc::clone(&backend.odd_settlements),
    ] {
        let backend = Failing::default();
        let up = Script::new();
        let agent = with_one_due(&backend, [up.clone()]).await;
        failing(&backend).store(10, Ordering::Relaxed);
        let impatient = tower::timeout::Timeout::new(agent.output.clone(), SLOW / 10);
        let dispatching = agent.dispatch_to(impatient);
        until(|| async { agent.census().await.finished == 1 }).await;
        dispatching.stop().await;
        agent.storage.given_back().await;
        assert_eq!(up.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_holds_up_nobody() {
    let backend = Failing::default();
    let agent = with_one_due(&backend, [Script::new()]).await;
    let leased = agent.storage.lease_due(10, &[]).await.unwrap();
    // Another session has it by now.
    let (id, session) = (leased[0].id(), agent.storage.session());
    backend.inner.release(id, session, 1).await.unwrap();
    let other = SessionId::random();
    backend.inner.lease(id, other, None).await.unwrap().unwrap();
    drop(leased);
    agent.storage.flush().await;
    agent.storage.given_back().await;
    assert_eq!(agent.census().await.leased, 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_cannot_be_written_is_written_later() {
    let backend = Failing::default();
    let agent = with_one_due(&backend, [Script::new()]).await;
    let leases = agent.storage.lease_due(10, &[]).await.unwrap();
    let mut watch = agent.storage.watch(leases[0].id()).await.unwrap().unwrap();
    agent.storage.cancel(&watch).await.unwrap();
    backend.failed_leases.store(3, Ordering::Relaxed);
    drop(leases);
    until(|| async { agent.census().await.finished == 1 }).await;
    let reason = watch.snapshot().final_reason;
    assert_eq!(reason, Some(FinalReason::Cancelled));
}

#[tokio::test(start_paused = true)]
async fn while_there_is_no_room_new_mail_is_refused_and_what_is_queued_is_delivered() {
    let backend = Failing::default();
    let up = Script::new();
    let agent = with_one_due(&backend, [up.clone()]).await;
    backend.is_short.store(true, Ordering::Relaxed);
    for policy in [ReplyPolicy::Submission, ReplyPolicy::Ingress] {
        for to in [vec![rcpt("b@y")], vec![rcpt("b@y"), rcpt("c@y")]] {
            let outcome = send(agent.exploder(policy), mail("a@x"), to, MESSAGE).await;
            assert!(!outcome.is_delivered(), "{outcome:?}");
            let no_room = Reply::insufficient_storage();
            assert!(outcome.recipients.iter().all(|reply| *reply == no_room));
        }
    }
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 1);
    backend.is_short.store(false, Ordering::Relaxed);
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_is_heard_of_late_changes_nothing_of_what_came_after_it() {
    let backend = Failing::default();
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let refused = Script::new().other_rcpts(Reply::no_such_user());
    let agent = with_one_kept(&backend, [busy, refused]).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let lease = || async {
        agent
            .storage
            .lease_due(1, &[])
            .await
            .unwrap()
            .pop()
            .unwrap()
    };
    let first = lease().await;
    let mut watch = agent.storage.watch(first.id()).await.unwrap().unwrap();
    backend.late_settlements.store(1, Ordering::Relaxed);
    let first = tokio::spawn(agent.output.clone().oneshot(first));
    tokio::time::sleep(LATE / 2).await;
    // Another caller does not wait for the answer.
    let second = lease().await;
    agent.output.clone().oneshot(second).await.unwrap();
    assert_eq!(watch.snapshot().final_reason, Some(FinalReason::Failed));
    first.await.unwrap().unwrap();
    assert_eq!(watch.snapshot().final_reason, Some(FinalReason::Failed));
    agent.storage.given_back().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_worked_on_before_that_is_known_to_be_written() {
    let backend = Failing::default();
    let told = Script::new();
    let agent = with_one_kept(&backend, [told.clone()]).await;
    let lease = async || {
        let leased = agent.storage.lease_due(1, &[]).await.unwrap();
        leased.into_iter().next().unwrap()
    };
    tokio::time::sleep(Duration::from_secs(120)).await;
    // It is given back at once.
    let id = lease().await.id();
    agent.storage.given_back().await;
    backend.late_settlements.store(1, Ordering::Relaxed);
    let storage = agent.storage.clone();
    let given_back =
        tokio::spawn(async move { storage.change(vec![id], QueueAction::Bounce, false).await });
    tokio::time::sleep(LATE / 2).await;
    let notify = lease().await;
    assert_eq!(notify.id(), id);
    assert_eq!(given_back.await.unwrap().unwrap(), [(id, Ok(1))]);
    // The session that works on it still has it, and ends it.
    agent.output.clone().oneshot(notify).await.unwrap();
    let census = agent.census().await;
    assert_eq!((census.leased, census.waiting, census.finished), (0, 1, 1));
    let notification = lease().await;
    agent.output.clone().oneshot(notification).await.unwrap();
    assert_eq!(told.received().len(), 1);
}
