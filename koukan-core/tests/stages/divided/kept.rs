//! Legs are taken into custody in the commit with which the attempt ends: both are written, or neither.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use koukan_core::{
    context::Sender,
    reply::Reply,
    service::BoxMailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        output_handler::{ChainMap, OutputHandler},
    },
    storage::{
        MemoryBackend, Queue, Records, Sessions,
        record::{Change, FinalReason, NewTransaction, QueueAction, TransactionId},
    },
    test_util::{Faults, FaultyBackend, SeededRandom, at_rest},
    transaction::Transaction,
};
use rstest::rstest;
use tokio::{runtime, time::sleep};
use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    agent::{Agent, Dispatching, until},
    failing::{Failing, SLOW},
    queued::{Log, queued},
    replicas::{replica, store},
};

use super::{Destination, Divided, attempted, end, notifications, recipient};

/// A host that refuses `later` while it is busy, and otherwise accepts everything.
#[derive(Clone)]
struct Host {
    accepted: Log,
    is_busy: Arc<AtomicBool>,
}

impl Host {
    fn busy() -> Self {
        Self {
            accepted: Log::default(),
            is_busy: Arc::new(true.into()),
        }
    }

    fn recovers(&self) {
        self.is_busy.store(false, Ordering::Relaxed);
    }

    fn service(&self) -> BoxMailService {
        let this = self.clone();
        BoxMailService::new(service_fn(move |tx| this.clone().deliver(tx)))
    }

    async fn deliver(self, mut tx: Transaction) -> Result<Reply, BoxError> {
        tx.mail.answer(Reply::sender_ok());
        let mut to = Vec::new();
        while let Some(rcpt) = tx.recipients.next().await? {
            let name = rcpt.forward_path().to_string();
            if name.starts_with("later") && self.is_busy.load(Ordering::Relaxed) {
                rcpt.answer(Reply::mailbox_busy());
                continue;
            }
            to.push(name);
            rcpt.answer(Reply::recipient_ok());
        }
        if to.is_empty() {
            return Ok(Reply::mailbox_busy());
        }
        tx.body.collect(1 << 20).await?;
        to.into_iter().for_each(|name| self.accepted.add(name));
        Ok(Reply::message_accepted())
    }

    /// How many copies `taken` and `later` got.
    fn copies(&self) -> [usize; 2] {
        ["taken", "later"].map(|name| self.accepted.count(name))
    }
}

fn to_both(now: Timestamp) -> NewTransaction {
    let mut new = queued("taken@y", now);
    new.recipients.push(recipient("later@y"));
    new
}

fn exploder(agent: &Agent) -> BoxMailService {
    let writer = agent.writer.clone().with_sender(Sender::new("out"));
    let pool = agent.storage.pool().clone();
    let exploder = Exploder::new(writer.boxed(), ReplyPolicy::Submission, pool);
    BoxMailService::new(exploder)
}

/// Attempts queued mail through the chain; what was kept goes to the host.
fn dispatch(agent: &Agent, chain: BoxMailService, host: &Host) -> Dispatching {
    let chains = ChainMap::new()
        .with(Sender::new("app"), attempted(chain))
        .with(Sender::new("out"), attempted(host.service()));
    agent.dispatch_to(OutputHandler::new(chains, notifications()))
}

/// Queues a message to both, and attempts it.
async fn begin(agent: &Agent, host: &Host) -> (TransactionId, Dispatching) {
    let new = to_both(agent.clock.now());
    let id = new.id;
    agent.storage.backend().insert(new).await.unwrap();
    (id, dispatch(agent, exploder(agent), host))
}

async fn all_finished(agent: &Agent) {
    until(|| async {
        let census = agent.census().await;
        census.waiting + census.leased == 0
    })
    .await;
}

/// What goes on in a process until it is killed.
fn process<T>(life: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(life)
}

#[test]
fn whenever_the_process_is_killed_nobody_gets_two_copies_of_what_was_kept() {
    let latency = Duration::from_millis(100);
    let mut stages = BTreeSet::new();
    for kill in 0..120 {
        let (store, host) = (MemoryBackend::new(), Host::busy());
        let new = to_both(Agent::start());
        let id = new.id;
        process(async {
            let faults = Faults {
                latency,
                ..Faults::default()
            };
            let inner = Arc::new(store.another_process());
            let random = SeededRandom::new(kill);
            let backend = FaultyBackend::new(inner, faults, random, Duration::ZERO);
            store.insert(new).await.unwrap();
            let agent = Agent::on_shared(Arc::new(backend), host.service()).await;
            let _dispatching = dispatch(&agent, exploder(&agent), &host);
            sleep(Duration::from_millis(5 * kill)).await;
        });
        host.recovers();
        process(async {
            let waiting = store.census().await.unwrap().waiting;
            let whole = store.find(id).await.unwrap().unwrap();
            stages.insert((host.copies()[0], waiting, whole.status.is_final()));
            let agent = Agent::on(store.another_process(), host.service()).await;
            let _dispatching = dispatch(&agent, exploder(&agent), &host);
            all_finished(&agent).await;
        });
        let [taken, later] = host.copies();
        assert_eq!(later, 1, "killed after {kill} steps");
        assert!(taken <= 2, "killed after {kill} steps");
    }
    // Within the attempt, before it, after `taken` was delivered, and after the commit: nothing is left in between.
    let expected = [(0, 0, false), (0, 1, false), (1, 0, false), (1, 1, true)];
    assert_eq!(stages, expected.into());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_was_kept_goes_on_once_the_settlement_is_known_to_be_written(
    #[values(false, true)] is_written_at_first: bool,
) {
    let (backend, host) = (Failing::default(), Host::busy());
    let agent = Agent::on(backend.clone(), host.service()).await;
    let trouble = match is_written_at_first {
        true => &backend.unanswered_settlements,
        false => &backend.failed_settlements,
    };
    trouble.store(1, Ordering::Relaxed);
    let (id, _dispatching) = begin(&agent, &host).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(end(&agent, id).await, Some(FinalReason::Delivered));
    assert_eq!(agent.census().await.waiting, 1);
    host.recovers();
    all_finished(&agent).await;
    assert_eq!(host.copies(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_by_who_has_lost_the_lease() {
    let (store, host) = (store(), Host::busy());
    let backend = Failing {
        inner: store.clone(),
        ..Failing::default()
    };
    let agent = Agent::on(backend.clone(), host.service()).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    let (id, _dispatching) = begin(&agent, &host).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(host.copies(), [1, 0]);
    store.end_session(agent.storage.session()).await.unwrap();
    host.recovers();
    let other = replica(&store, host.service()).await;
    let _others = other.dispatch();
    sleep(SLOW + Duration::from_secs(1)).await;
    assert_eq!(backend.slow_settlements.load(Ordering::Relaxed), 0);
    assert_eq!(end(&other, id).await, Some(FinalReason::Delivered));
    sleep(Duration::from_secs(24 * 3600)).await;
    assert_eq!(host.copies(), [2, 1]);
    let census = other.census().await;
    assert_eq!((census.waiting, census.leased), (0, 0));
}

/// A filter above the Exploder may refuse the message at the end.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_an_attempt_that_fails() {
    let host = Host::busy();
    let agent = Agent::over(host.service()).await;
    let (inner, refuses) = (exploder(&agent), Arc::clone(&host.is_busy));
    let chain = BoxMailService::new(service_fn(move |tx: Transaction| {
        let (inner, refuses) = (inner.clone(), refuses.load(Ordering::Relaxed));
        async move {
            let reply = inner.oneshot(tx).await?;
            Ok::<_, BoxError>(match refuses {
                true => Reply::local_error(),
                false => reply,
            })
        }
    }));
    let new = to_both(agent.clock.now());
    let id = new.id;
    agent.storage.backend().insert(new).await.unwrap();
    let _dispatching = dispatch(&agent, chain, &host);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(host.copies(), [1, 0]);
    let census = agent.census().await;
    assert_eq!((census.waiting, census.leased), (1, 0));
    assert_eq!(end(&agent, id).await, None);
    host.recovers();
    all_finished(&agent).await;
    assert_eq!(host.copies(), [2, 1]);
}

/// The call goes on above the Exploder, and the attempt is dropped.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_an_attempt_that_is_dropped() {
    let destination = Destination::default();
    let agent = Agent::over(destination.service()).await;
    let inner = BoxMailService::new(agent.exploder(ReplyPolicy::Submission));
    let chain = BoxMailService::new(service_fn(move |tx: Transaction| {
        let inner = inner.clone();
        async move {
            let reply = inner.oneshot(tx).await?;
            sleep(Duration::from_secs(60)).await;
            Ok::<_, BoxError>(reply)
        }
    }));
    let divided = Divided::through(agent, chain, &["hung@y", "taken@y"]).await;
    // The client of the leg does not wait any longer.
    sleep(Duration::from_secs(11)).await;
    assert_eq!(destination.calls(), 1);
    divided.dispatching.abort().await;
    at_rest().await;
    assert_eq!(destination.calls(), 0);
    let census = divided.agent.census().await;
    assert_eq!((census.waiting, census.leased), (1, 0));
    assert_eq!(end(&divided.agent, divided.id).await, None);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_nothing_is_kept_and_who_has_the_message_does_not_get_it_again() {
    let (backend, host) = (Failing::default(), Host::busy());
    let (inner, is_short) = (host.service(), Arc::clone(&backend.is_short));
    let upstream = service_fn(move |tx: Transaction| {
        let (answer, is_short) = (inner.clone().oneshot(tx), Arc::clone(&is_short));
        async move {
            let reply = answer.await;
            // The legs have begun.
            is_short.store(true, Ordering::Relaxed);
            reply
        }
    });
    let agent = Agent::on(backend.clone(), upstream).await;
    let (id, _dispatching) = begin(&agent, &host).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(agent.census().await.waiting, 1);
    let found = agent.storage.backend().find(id).await.unwrap().unwrap();
    let settled = found.recipients.iter().map(|it| it.settled.is_some());
    assert_eq!(settled.collect::<Vec<_>>(), [true, false]);
    backend.is_short.store(false, Ordering::Relaxed);
    host.recovers();
    all_finished(&agent).await;
    assert_eq!(host.copies(), [1, 1]);
}

/// The leg's own attempt goes on while the end of the whole is being written.
#[tokio::test(start_paused = true)]
async fn a_kept_leg_may_end_before_it_is_written() {
    let (backend, destination) = (Failing::default(), Destination::default());
    let agent = Agent::on(backend.clone(), destination.service()).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    let divided = Divided::begin(agent, ReplyPolicy::Submission, &["slow@y"]).await;
    let agent = &divided.agent;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(destination.gone.all(), ["slow@y"]);
    assert_eq!(agent.storage.backend().census().await.unwrap().leased, 1);
    sleep(SLOW).await;
    assert_eq!(end(agent, divided.id).await, Some(FinalReason::Delivered));
    let census = agent.census().await;
    assert_eq!((census.waiting, census.leased, census.finished), (0, 0, 2));
    assert_eq!(destination.gone.all(), ["slow@y"]);
}

#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Cancel,
    Hold,
}

/// Nothing is left to be cancelled or held of the whole.
#[rstest]
#[tokio::test(start_paused = true)]
async fn what_was_kept_stays_kept_whatever_becomes_of_the_whole_meanwhile(
    #[values(Meanwhile::Cancel, Meanwhile::Hold)] meanwhile: Meanwhile,
) {
    let (backend, host) = (Failing::default(), Host::busy());
    let agent = Agent::on(backend.clone(), host.service()).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    let (id, _dispatching) = begin(&agent, &host).await;
    sleep(Duration::from_secs(1)).await;
    match meanwhile {
        Meanwhile::Cancel => {
            let watch = agent.storage.watch(id).await.unwrap().unwrap();
            agent.storage.cancel(&watch).await.unwrap();
        }
        Meanwhile::Hold => {
            let hold = Change {
                ids: vec![id],
                action: QueueAction::Hold,
                now: agent.clock.now(),
                is_dry: false,
            };
            agent.storage.backend().change(hold).await.unwrap();
        }
    }
    host.recovers();
    sleep(SLOW).await;
    assert_eq!(end(&agent, id).await, Some(FinalReason::Delivered));
    all_finished(&agent).await;
    assert_eq!(host.copies(), [1, 1]);
}
