//! Destinations that an operator has suspended.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    resource::DestinationName,
    service::MailService,
    stage::{
        exploder::ReplyPolicy,
        output_handler::{AttemptOutcome, TurnAwayLayer},
    },
    storage::{BackendError, MemoryBackend, Queue, Storage, Suspended, record::Suppression},
    test_util::{
        Faults, FaultyBackend, Script, SeededRandom, Trouble, TroubleKind, mail, rcpt, send,
    },
    transaction::Transaction,
};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    agent::{Agent, until},
    failing::Failing,
    queued::{MESSAGE, queued},
};

const SECOND: Duration = Duration::from_secs(1);

/// An upstream, and the number of transactions it was called for.
fn counted(upstream: impl MailService) -> (impl MailService, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let service = service_fn(move |transaction: Transaction| {
        count.fetch_add(1, Ordering::Relaxed);
        upstream.clone().oneshot(transaction)
    });
    (service, calls)
}

async fn suspend(agent: &Agent, host: &str) {
    let suspended = agent.storage.suspend(host, "olga").await.unwrap();
    assert_eq!(suspended, Suspended::Now);
}

async fn queue(agent: &Agent, to: &str) -> koukan_core::storage::record::TransactionId {
    let message = queued(to, agent.clock.now());
    let id = message.id;
    agent.storage.backend().insert(message).await.unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn however_the_domain_is_written_nothing_goes_there() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    for to in [
        "a@bücher.example",
        "b@BÜCHER.example",
        "c@xn--bcher-kva.example",
    ] {
        queue(&agent, to).await;
    }
    queue(&agent, "d@bucher.example").await;
    // As the operator's command names it.
    let name = DestinationName::parse("Bücher.example").unwrap();
    suspend(&agent, name.as_str()).await;
    let _dispatching = agent.dispatch();
    sleep(1000 * SECOND).await;
    assert_eq!(
        upstream.only_received().recipient_texts(),
        ["d@bucher.example"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_waits_until_it_is_resumed() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let waits = queue(&agent, "a@Near.example").await;
    queue(&agent, "b@far.example").await;
    suspend(&agent, "near.example").await;
    let again = agent.storage.suspend("near.example", "eve").await.unwrap();
    assert_eq!(again, Suspended::Before);
    let suspension = agent.storage.suspension("near.example").unwrap();
    assert_eq!(&*suspension.by, "olga");
    let _dispatching = agent.dispatch();
    sleep(1000 * SECOND).await;
    assert_eq!(
        upstream.only_received().recipient_texts(),
        ["b@far.example"]
    );
    let stored = agent.storage.backend().find(waits).await.unwrap().unwrap();
    assert_eq!(stored.attempt_count, 0);
    assert!(
        agent
            .storage
            .resume_destination("near.example")
            .await
            .unwrap()
    );
    assert!(
        !agent
            .storage
            .resume_destination("near.example")
            .await
            .unwrap()
    );
    sleep(SECOND).await;
    assert_eq!(agent.census().await.waiting, 0);
    assert_eq!(agent.census().await.finished, 2);
}

/// A waiting client is told at once, and upstream is not contacted.
#[tokio::test(start_paused = true)]
async fn who_waits_is_told_at_once_without_a_call() {
    let (upstream, calls) = counted(Script::new());
    let agent = Agent::over(upstream).await;
    suspend(&agent, "near.example").await;
    let to = || [rcpt("bob@NEAR.example")];
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), to(), MESSAGE).await;
    assert_eq!(outcome.recipients, [Reply::destination_suspended()]);
    let outcome = send(agent.writer.clone(), mail("a@x"), to(), MESSAGE).await;
    assert_eq!(outcome.recipients, [Reply::destination_suspended()]);
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), to(), MESSAGE).await;
    assert!(outcome.is_delivered(), "it is in custody");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let _dispatching = agent.dispatch();
    sleep(1000 * SECOND).await;
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    agent
        .storage
        .resume_destination("near.example")
        .await
        .unwrap();
    sleep(1000 * SECOND).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(agent.census().await.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn of_several_recipients_the_others_get_their_mail() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    suspend(&agent, "near.example").await;
    let to = ["a@near.example", "b@far.example", "c@near.example"].map(rcpt);
    let outcome = send(agent.writer.clone(), mail("a@x"), to, MESSAGE).await;
    let suspended = Reply::destination_suspended;
    let expected = [suspended(), Reply::recipient_ok(), suspended()];
    assert_eq!(outcome.recipients, expected);
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(
        upstream.only_received().recipient_texts(),
        ["b@far.example"]
    );
}

/// Also if the backend has leased it just before.
#[tokio::test(start_paused = true)]
async fn what_was_leased_before_is_given_back() {
    let (upstream, calls) = counted(Script::new());
    let agent = Agent::over(upstream).await;
    let id = queue(&agent, "a@near.example").await;
    let lease = agent.storage.lease_due(1, &[]).await.unwrap().pop();
    suspend(&agent, "near.example").await;
    let outcome = agent.output.clone().oneshot(lease.unwrap()).await.unwrap();
    assert_eq!(outcome, AttemptOutcome::GivenBack);
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let stored = agent.storage.backend().find(id).await.unwrap().unwrap();
    assert_eq!(stored.attempt_count, 0);
    assert!(agent.storage.lease_due(1, &[]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_as_it_was() {
    let backend = Failing::default();
    let failures = Arc::clone(&backend.failed_suspensions);
    let agent = Agent::on(backend, Script::new()).await;
    failures.store(1, Ordering::Relaxed);
    let failed = agent.storage.suspend("near.example", "olga").await;
    assert!(matches!(failed, Err(BackendError::Failed(_))));
    assert!(!agent.storage.is_any_suspended());
    suspend(&agent, "near.example").await;
    failures.store(1, Ordering::Relaxed);
    let failed = agent.storage.resume_destination("near.example").await;
    assert!(matches!(failed, Err(BackendError::Failed(_))));
    assert!(agent.storage.is_suspended("near.example"));
}

fn faulty(faults: Faults, seed: u64) -> Arc<FaultyBackend> {
    let inner = Arc::new(MemoryBackend::new());
    let random = SeededRandom::new(seed);
    Arc::new(FaultyBackend::new(inner, faults, random, Duration::ZERO))
}

/// The local state equals the backend's, however two changes meet: a destination suspended only
/// locally would be leased and given back again and again.
#[tokio::test(start_paused = true)]
async fn changes_that_meet_are_made_one_after_the_other() {
    for seed in 0..20 {
        let faults = Faults {
            latency: 10 * SECOND,
            ..Faults::default()
        };
        let backend = faulty(faults, seed);
        let agent = Agent::on_shared(backend.clone(), Script::new()).await;
        let resume = async {
            sleep(SECOND).await;
            agent.storage.resume_destination("near.example").await
        };
        let suspend = agent.storage.suspend("near.example", "olga");
        let (suspended, resumed) = tokio::join!(suspend, resume);
        assert_eq!(suspended.unwrap(), Suspended::Now);
        resumed.unwrap();
        let stands = !backend.suspensions().await.unwrap().is_empty();
        assert_eq!(agent.storage.is_any_suspended(), stands, "{seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_resumed_where_only_the_answer_was_lost() {
    let upstream = Script::new();
    let lost = Trouble {
        during: 100 * SECOND..200 * SECOND,
        kind: TroubleKind::AnswerLost,
        per_mille: 1000,
    };
    let faults = Faults {
        trouble: vec![lost],
        ..Faults::default()
    };
    let agent = Agent::on_shared(faulty(faults, 1), upstream.clone()).await;
    queue(&agent, "a@near.example").await;
    suspend(&agent, "near.example").await;
    sleep(150 * SECOND).await;
    let resumed = agent.storage.resume_destination("near.example").await;
    assert!(resumed.unwrap());
    sleep(100 * SECOND).await;
    let _dispatching = agent.dispatch();
    sleep(SECOND).await;
    let received = upstream.only_received();
    assert_eq!(received.recipient_texts(), ["a@near.example"]);
}

/// Concurrent changes end as if made one after the other: the local state equals the backend's.
#[tokio::test(start_paused = true)]
async fn who_resumes_while_another_suspends_is_heard_last() {
    let backend = Failing::default();
    let slow = Arc::clone(&backend.slow_suspensions);
    let agent = Agent::on(backend, Script::new()).await;
    slow.store(1, Ordering::Relaxed);
    let storage = agent.storage.clone();
    let suspends = tokio::spawn(async move { storage.suspend("near.example", "olga").await });
    sleep(SECOND).await;
    let resumed = agent.storage.resume_destination("near.example").await;
    assert!(resumed.unwrap(), "it was suspended");
    assert_eq!(suspends.await.unwrap().unwrap(), Suspended::Now);
    assert_eq!(agent.storage.suspensions(), []);
    assert_eq!(agent.storage.backend().suspensions().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_restart_changes_nothing() {
    let backend = MemoryBackend::new();
    let agent = Agent::on(backend.clone(), Script::new()).await;
    suspend(&agent, "near.example").await;
    let before = agent.storage.suspensions();
    let next = Arc::new(backend.another_process());
    let clock = Arc::clone(&agent.clock);
    let next = Storage::open(next, BlobPool::default(), clock)
        .await
        .unwrap();
    assert_eq!(next.suspensions(), before);
    assert!(next.is_suspended("near.example") && !next.is_suspended("far.example"));
}

/// Transactions that are not attempts from storage, such as copies, are refused in the same way.
#[tokio::test(start_paused = true)]
async fn what_goes_by_a_chain_alone_is_turned_away_too() {
    let (upstream, calls) = counted(Script::new());
    let agent = Agent::over(Script::new()).await;
    let service = TurnAwayLayer::new(agent.storage.clone()).layer(upstream);
    let deliver = async |to: &[&str]| {
        let to: Vec<_> = to.iter().map(|to| rcpt(to)).collect();
        send(service.clone(), mail("a@x"), to, MESSAGE).await
    };
    assert!(deliver(&["a@near.example"]).await.is_delivered());
    suspend(&agent, "near.example").await;
    let outcome = deliver(&["a@Near.example", "b@far.example"]).await;
    assert_eq!(outcome.recipients[0], Reply::destination_suspended());
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let before = calls.load(Ordering::Relaxed);
    let outcome = deliver(&["a@near.example"]).await;
    assert_eq!(outcome.recipients, [Reply::destination_suspended()]);
    assert_eq!(calls.load(Ordering::Relaxed), before);
    assert!(
        agent
            .storage
            .resume_destination("near.example")
            .await
            .unwrap()
    );
    assert!(deliver(&["a@near.example"]).await.is_delivered());
    let expiry = 24 * 3600 * SECOND;
    agent.storage.suppress([("test".into(), expiry)]);
    let now = agent.clock.now();
    let one = Suppression {
        sender: "test".into(),
        address: "a@far.example".into(),
        since: now,
        until: now + expiry,
        reason: "it is bad".into(),
    };
    agent.storage.keep_suppression(one).await.unwrap();
    let outcome = deliver(&["a@far.example", "b@far.example"]).await;
    assert_eq!(outcome.recipients[0].code(), Reply::no_such_user().code());
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
}

/// This also holds for recipients that are left for another call of one attempt.
#[tokio::test(start_paused = true)]
async fn who_goes_elsewhere_is_turned_away_there() {
    let elsewhere = Script::new().rcpt("b@far.example", Reply::other_destination());
    let agent: Arc<OnceLock<Storage>> = Arc::default();
    let storage = Arc::clone(&agent);
    let (upstream, calls) = counted(service_fn(move |transaction: Transaction| {
        let (storage, elsewhere) = (Arc::clone(&storage), elsewhere.clone());
        async move {
            let storage = storage.get().unwrap();
            let _ = storage.suspend("far.example", "olga").await.unwrap();
            elsewhere.oneshot(transaction).await
        }
    }));
    let known = agent;
    let agent = Agent::over(upstream).await;
    known.set(agent.storage.clone()).unwrap();
    let mut message = queued("a@near.example", agent.clock.now());
    let other = queued("b@far.example", agent.clock.now());
    message.recipients.extend(other.recipients);
    let id = message.id;
    agent.storage.backend().insert(message).await.unwrap();
    let dispatching = agent.dispatch();
    until(|| async {
        let found = agent.storage.backend().find(id).await.unwrap().unwrap();
        found.attempt_count > 0
    })
    .await;
    dispatching.stop().await;
    let found = agent.storage.backend().find(id).await.unwrap().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert!(found.recipients[0].settled.is_some() && found.recipients[1].settled.is_none());
    let last = found.last_attempt.unwrap();
    let heard = last.recipient_replies[1].clone();
    assert_eq!(heard, Some(Reply::destination_suspended()));
}
