//! Layers around the output handler that drop the lease: that counts as an attempt, and does not
//! loop.

use std::{
    future::Ready,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::{
    reply::Reply,
    service::MailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        output_handler::{AttemptOutcome, AttemptService},
        storage_writer::StorageWriter,
    },
    storage::{
        Drain, Lease,
        record::{FinalReason, Status, StoredTransaction, TransactionId, Work},
    },
    test_util::{Answer, Script, mail, rcpt, send},
    transaction::Transaction,
};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Service, ServiceBuilder, service_fn};

use crate::{
    agent::{Agent, until},
    queued::{MESSAGE, queued},
};

/// The minutes after which something happened.
#[derive(Debug, Clone)]
struct Minutes(Arc<Mutex<Vec<u64>>>, Instant);

impl Minutes {
    fn new() -> Self {
        Self(Arc::default(), Instant::now())
    }

    fn note(&self) {
        let Self(minutes, begun) = self;
        minutes.lock().unwrap().push(begun.elapsed().as_secs() / 60);
    }

    fn all(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

/// An upstream that notes when it is called and hangs.
fn hung(minutes: &Minutes) -> impl MailService {
    let minutes = minutes.clone();
    service_fn(move |tx: Transaction| {
        minutes.note();
        async move {
            let _tx = tx;
            std::future::pending::<Result<Reply, BoxError>>().await
        }
    })
}

async fn with_queued<const N: usize>(
    upstream: impl MailService,
    to: [&str; N],
) -> (Agent, [TransactionId; N]) {
    let agent = Agent::over(upstream).await;
    let mut ids = Vec::new();
    for to in to {
        let new = queued(to, agent.clock.now());
        ids.push(new.id);
        agent.storage.backend().insert(new).await.unwrap();
    }
    (agent, ids.try_into().unwrap())
}

async fn find(agent: &Agent, id: TransactionId) -> StoredTransaction {
    agent.storage.flush().await;
    let found = agent.storage.backend().find(id).await.unwrap();
    found.unwrap()
}

#[tokio::test(start_paused = true)]
async fn attempts_that_take_too_long_are_counted_until_they_are_used_up() {
    let minutes = Minutes::new();
    let (agent, [id]) = with_queued(hung(&minutes), ["b@y"]).await;
    let layered = ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .service(agent.output.clone());
    let dispatching = agent.dispatch_to(layered);
    until(|| async { agent.census().await.finished == 1 }).await;
    // Five times, as the policy says. The notification is attempted as well.
    assert_eq!(minutes.all()[..5], [0, 1, 3, 7, 15]);
    let stored = find(&agent, id).await;
    assert_eq!(stored.attempt_count, 5);
    assert_eq!(stored.status, Status::Final(FinalReason::Expired));
    let settled = stored.recipients[0].settled.clone();
    assert_eq!(settled, Some(Reply::broken_off()));
    dispatching.abort().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_shed_is_attempted_when_there_is_room() {
    let slow = Answer::After(Duration::from_secs(600), Reply::message_accepted());
    let up = Script::new().message(slow);
    let (agent, ids) = with_queued(up.clone(), ["b@y", "c@y"]).await;
    let layered = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(agent.output.clone());
    let dispatching = agent.dispatch_to(layered);
    sleep(Duration::from_secs(590)).await;
    let shed = find(&agent, ids[1]).await;
    let other = find(&agent, ids[0]).await;
    let counts = [shed.attempt_count, other.attempt_count];
    // After 0, 1, 3 and 7 minutes.
    assert!(counts == [4, 0] || counts == [0, 4], "{counts:?}");
    until(|| async { agent.census().await.finished == 2 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_limit_is_given_back_by_a_stop_and_ended_by_a_cancel() {
    let minutes = Minutes::new();
    let (agent, ids) = with_queued(hung(&minutes), ["b@y", "c@y"]).await;
    let layered = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(agent.output.clone());
    let dispatching = agent.dispatch_to(layered);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(minutes.all(), [0]);
    assert_eq!(agent.census().await.leased, 2);
    let watch = agent.storage.watch(ids[1]).await.unwrap().unwrap();
    agent.storage.cancel(&watch).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(agent.census().await.finished, 1);
    agent.storage.drain(Drain::Committed);
    dispatching.stop().await;
    assert_eq!(agent.census().await.waiting, 1);
    let stored = find(&agent, ids[0]).await;
    assert_eq!(stored.attempt_count, 0);
}

#[tokio::test(start_paused = true)]
async fn a_dispatcher_that_is_dropped_gives_back_what_is_due_at_once() {
    let minutes = Minutes::new();
    let (agent, ids) = with_queued(hung(&minutes), ["b@y", "c@y"]).await;
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(agent.output.clone());
    for _ in 0..3 {
        let dispatching = agent.dispatch_to(limited.clone());
        sleep(Duration::from_secs(10)).await;
        assert_eq!(agent.census().await.leased, 2);
        dispatching.abort().await;
        assert_eq!(agent.census().await.waiting, 2);
    }
    for id in ids {
        assert_eq!(find(&agent, id).await.attempt_count, 0);
    }
    let leases = agent.storage.lease_due(9, &[]).await.unwrap();
    assert_eq!(leases.len(), 2);
}

/// Where a layer panics.
#[derive(Debug, Clone, Copy)]
enum Panics {
    WhenReady,
    AtTheCall,
    InTheFuture,
    AfterAWhile,
}

/// A layer that notes when it is called, and panics.
#[derive(Clone)]
struct Panicking(Panics, Minutes);

impl Service<Lease> for Panicking {
    type Response = AttemptOutcome;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<AttemptOutcome, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let Self(panics, minutes) = self;
        minutes.note();
        assert!(!matches!(panics, Panics::WhenReady), "on purpose");
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, lease: Lease) -> Self::Future {
        let panics = self.0;
        assert!(!matches!(panics, Panics::AtTheCall), "on purpose");
        Box::pin(async move {
            if matches!(panics, Panics::AfterAWhile) {
                sleep(Duration::from_secs(10)).await;
            }
            let _lease = lease;
            panic!("on purpose");
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_panics_does_so_later_and_later() {
    for panics in [
        Panics::WhenReady,
        Panics::AtTheCall,
        Panics::InTheFuture,
        Panics::AfterAWhile,
    ] {
        let minutes = Minutes::new();
        let (agent, [id]) = with_queued(Script::new(), ["b@y"]).await;
        // The outer layer keeps the lease in a future that is not an async block.
        let layered = ServiceBuilder::new()
            .timeout(Duration::from_secs(100))
            .service(Panicking(panics, minutes.clone()));
        let dispatching = agent.dispatch_to(layered);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(minutes.all(), [0, 1, 3, 7, 15, 31], "{panics:?}");
        assert_eq!(find(&agent, id).await.attempt_count, 6);
        dispatching.abort().await;
        // Due transactions are attempted as usual.
        let dispatching = agent.dispatch();
        until(|| async { agent.census().await.finished > 0 }).await;
        dispatching.stop().await;
    }
}

/// A layer that answers by itself, and drops the lease or keeps it.
#[derive(Clone)]
struct Lazy(Minutes);

impl Service<Lease> for Lazy {
    type Response = AttemptOutcome;
    type Error = BoxError;
    type Future = Ready<Result<AttemptOutcome, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Lease) -> Self::Future {
        self.0.note();
        std::future::ready(Ok(AttemptOutcome::Notified))
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_does_nothing_is_no_loop() {
    let minutes = Minutes::new();
    let (agent, _) = with_queued(Script::new(), ["b@y"]).await;
    let dispatching = agent.dispatch_to(Lazy(minutes.clone()));
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(minutes.all(), [0, 1, 3, 7, 15, 31]);
    dispatching.abort().await;
}

/// The waiting client has its answer, whatever happens to the attempt.
async fn answered_at_once(agent: &Agent, output: impl AttemptService) {
    use koukan_core::stage::{exploder::Exploder, storage_writer::StorageWriter};

    let writer = StorageWriter::new(agent.storage.clone(), output);
    for policy in [ReplyPolicy::Ingress, ReplyPolicy::Submission] {
        let pool = agent.storage.pool().clone();
        let front = Exploder::new(writer.clone(), policy, pool);
        let begun = Instant::now();
        let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert!(begun.elapsed() < Duration::from_secs(1), "{outcome:?}");
    }
    agent.storage.flush().await;
    agent.storage.given_back().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_wait_for_what_nobody_attempts() {
    let agent = Agent::over(Script::new()).await;
    answered_at_once(&agent, Lazy(Minutes::new())).await;
    // A promised transaction counts as attempted, and is tried later.
    assert_eq!(agent.census().await.waiting, 1);
    let next = agent.storage.lease_due(9, &[]).await.unwrap();
    assert!(next.is_empty());
    sleep(Duration::from_secs(61)).await;
    let next = agent.storage.lease_due(9, &[]).await.unwrap();
    assert_eq!(next[0].attempt_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_is_dropped_comes_later_and_counts_as_no_attempt() {
    let agent = Agent::over(Script::new().other_rcpts(Reply::no_such_user())).await;
    let new = queued("b@y", agent.clock.now());
    let id = new.id;
    agent.storage.backend().insert(new).await.unwrap();
    let mut pauses = Vec::new();
    let mut since = Instant::now();
    while pauses.len() < 6 {
        let Some(lease) = agent.storage.lease_due(1, &[]).await.unwrap().pop() else {
            sleep(Duration::from_secs(1)).await;
            continue;
        };
        if lease.work() == Work::Attempt {
            tower::ServiceExt::oneshot(agent.output.clone(), lease)
                .await
                .unwrap();
            continue;
        }
        pauses.push(since.elapsed().as_secs());
        since = Instant::now();
        drop(lease);
        agent.storage.flush().await;
    }
    assert!(pauses[1] >= 60, "{pauses:?}");
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(find(&agent, id).await.attempt_count, 1);
}

/// A layer may panic before it returns a future: that affects one recipient.
#[tokio::test(start_paused = true)]
async fn a_call_that_panics_costs_no_other_leg() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let (inner, calls) = (agent.output.clone(), Arc::new(AtomicU32::new(0)));
    let output = service_fn(move |lease: Lease| {
        assert!(calls.fetch_add(1, Ordering::Relaxed) > 0, "broken");
        inner.clone().call(lease)
    });
    let writer = StorageWriter::new(agent.storage.clone(), output).boxed();
    let front = Exploder::new(writer, ReplyPolicy::Ingress, agent.storage.pool().clone());
    let outcome = send(front, mail("a@x"), ["b@y", "c@y"].map(rcpt), MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let mut replies = outcome.recipients;
    replies.sort_by_key(Reply::is_negative);
    assert_eq!(replies, [Reply::recipient_ok(), Reply::local_error()]);
    assert_eq!(upstream.only_received().recipients.len(), 1);
}
