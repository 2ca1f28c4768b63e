//! Destinations that whoever operates the agent has suspended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    service::MailService,
    stage::{exploder::Policy, output_handler::AttemptOutcome},
    storage::{BackendError, MemoryBackend, Queue, Storage, Suspended},
    test_util::{
        Faults, FaultyBackend, Script, SeededRandom, Trouble, TroubleKind, mail, rcpt, send,
    },
    transaction::Transaction,
};
use tokio::time::sleep;
use tower::{ServiceExt, service_fn};

use crate::{
    agent::Agent,
    failing::Failing,
    queued::{MESSAGE, queued},
};

const SECOND: Duration = Duration::from_secs(1);

/// An upstream, and how many transactions it was called for.
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

/// Whoever waits hears it at once, and nobody upstream is bothered.
#[tokio::test(start_paused = true)]
async fn who_waits_is_told_at_once_without_a_call() {
    let (upstream, calls) = counted(Script::new());
    let agent = Agent::over(upstream).await;
    suspend(&agent, "near.example").await;
    let to = || [rcpt("bob@NEAR.example")];
    let front = agent.exploder(Policy::Ingress);
    let outcome = send(front, mail("a@x"), to(), MESSAGE).await;
    assert_eq!(outcome.recipients, [Reply::destination_suspended()]);
    let outcome = send(agent.writer.clone(), mail("a@x"), to(), MESSAGE).await;
    assert_eq!(outcome.recipients, [Reply::destination_suspended()]);
    let front = agent.exploder(Policy::Submission);
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

/// Also where the backend has given it out just before.
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

/// What is known here is what stands in the backend, however two changes meet: what was suspended here
/// alone would be leased and given back again and again.
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

/// What is asked for together ends as one after the other: what is known here is what stands in the backend.
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
