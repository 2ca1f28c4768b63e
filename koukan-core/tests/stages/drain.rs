//! Attempts when the agent stops.

use std::{sync::Arc, time::Duration};

use koukan_core::{
    reply::Reply,
    service::{BoxMailService, MailService},
    stage::exploder::ReplyPolicy,
    storage::Drain,
    test_util::{Answer, Script, context, mail, rcpt, send},
    transaction::{Driver, Transaction},
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tower::{BoxError, service_fn};

use crate::{
    agent::{Agent, until},
    queued::{Log, MESSAGE, queued, upstream},
};

const AT_ONCE: Duration = Duration::from_millis(100);

async fn with_one_queued(to: &str, upstream: impl MailService) -> Agent {
    let agent = Agent::over(upstream).await;
    let new = queued(to, agent.clock.now());
    agent.storage.backend().insert(new).await.unwrap();
    agent
}

#[tokio::test(start_paused = true)]
async fn queued_mail_whose_destination_hangs_is_given_back_at_once() {
    let hung = upstream(Log::default(), Log::default());
    for upstream in [
        BoxMailService::new(service_fn(|tx: Transaction| async move {
            let _tx = tx;
            std::future::pending::<Result<Reply, BoxError>>().await
        })),
        BoxMailService::new(hung),
    ] {
        let agent = with_one_queued("hung@y", upstream).await;
        let dispatching = agent.dispatch();
        until(|| async { agent.census().await.leased == 1 }).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        agent.storage.drain(Drain::Committed);
        let stopped = timeout(AT_ONCE, dispatching.stop()).await;
        stopped.expect("it waits for what hangs");
        timeout(AT_ONCE, agent.storage.given_back()).await.unwrap();
        assert_eq!(agent.census().await.waiting, 1);
        let leased = agent
            .storage
            .lease_due(1, &[])
            .await
            .unwrap()
            .pop()
            .unwrap();
        assert_eq!(leased.attempt_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_reply_to_a_message_that_has_gone_out_is_waited_for() {
    let slow = Answer::After(Duration::from_secs(4), Reply::message_accepted());
    let agent = with_one_queued("b@y", Script::new().message(slow)).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.leased == 1 }).await;
    agent.storage.drain(Drain::Committed);
    agent.storage.drain(Drain::Live);
    dispatching.stop().await;
    assert_eq!(agent.census().await.finished, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_come_is_not_waited_for_in_the_end() {
    let agent = with_one_queued("b@y", Script::new().message(Answer::Never)).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.leased == 1 }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agent.storage.drain(Drain::Live);
    let given_back = timeout(Duration::from_secs(9), agent.storage.given_back());
    assert!(given_back.await.is_err());
    agent.storage.drain(Drain::All);
    let stopped = timeout(AT_ONCE, dispatching.stop()).await;
    stopped.expect("it waits for what hangs");
    assert_eq!(agent.census().await.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_is_told_to_come_back_or_its_mail_is_committed() {
    for (policy, is_taken) in [
        (ReplyPolicy::Submission, true),
        (ReplyPolicy::Ingress, false),
    ] {
        let agent = Agent::over(Script::new().other_rcpts(Answer::Never)).await;
        let front = agent.exploder(policy);
        let sending = tokio::spawn(send(front, mail("a@x"), [rcpt("b@y")], MESSAGE));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        agent.storage.drain(Drain::Live);
        let outcome = sending.await.unwrap();
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
        assert_eq!(outcome.is_delivered(), is_taken, "{outcome:?}");
        assert_eq!(agent.census().await.waiting, u64::from(is_taken));
        // Others go on with it at once.
        let due = agent.storage.lease_due(1, &[]).await.unwrap();
        assert_eq!(due.len(), usize::from(is_taken));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_waits_for_others_ends_after_them() {
    let inner = Agent::over(Script::new().message(Answer::Never)).await;
    let outer = Agent::over(inner.exploder(ReplyPolicy::Submission)).await;
    let front = outer.exploder(ReplyPolicy::Ingress);
    let sending = tokio::spawn(send(front, mail("a@x"), [rcpt("b@y")], MESSAGE));
    for drain in [Drain::Live, Drain::Sent] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!sending.is_finished(), "{drain:?}");
        for agent in [&outer, &inner] {
            agent.storage.drain(drain);
        }
    }
    // The message is committed within that time, and the waiting client is told.
    let outcome = timeout(AT_ONCE, sending).await.unwrap().unwrap();
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(inner.census().await.waiting, 1);
    assert_eq!(outer.census().await.waiting, 0);
}

/// An endpoint that sends the message as it comes has asked at its beginning whether it may leave.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_still_coming_has_not_gone_out() {
    let [asked, ended] = [(); 2].map(|()| Arc::new(Notify::new()));
    let told = (Arc::clone(&asked), Arc::clone(&ended));
    let upstream = service_fn(move |tx: Transaction| {
        let (asks, ends) = told.clone();
        async move {
            let _ends = Ends(ends);
            let departure = tx.signals.departure().cloned().unwrap();
            let _holding = departure.hold();
            let (mut recipients, mut body) = (tx.recipients, tx.body);
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = recipients.next().await? {
                rcpt.answer(Reply::recipient_ok());
            }
            assert!(departure.may_go());
            asks.notify_one();
            while body.next().await?.is_some() {}
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    });
    let agent = Agent::over(upstream).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let (mut driver, _) = Driver::start(front, context(), mail("a@x"));
    let pending = driver.rcpt(rcpt("b@y")).await;
    assert!(driver.wait(pending).await.is_positive());
    driver.data();
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    tokio::select! {
        () = driver.progress() => panic!("it has ended"),
        () = asked.notified() => {}
    }
    agent.storage.drain(Drain::Live);
    let has_ended = timeout(AT_ONCE, async {
        tokio::select! {
            () = driver.progress() => {}
            () = ended.notified() => {}
        }
    });
    has_ended.await.expect("the attempt waits for the rest");
    assert!(driver.finish().await.is_transient());
}

/// Says when a call has ended.
struct Ends(Arc<Notify>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
