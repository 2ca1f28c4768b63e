//! Queued transactions of one message are attempted together.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    reply::{RemoteMta, Reply, Unreached},
    service::MailService,
    signals::HostPort,
    stage::sharing::Sharing,
    storage::{
        Drain, MemoryBackend,
        record::{MessageKey, TransactionId},
    },
    test_util::{Answer, Script},
    transaction::Transaction,
};
use tokio::time::{Instant, sleep};
use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    agent::{Agent, turns, until},
    failing::{Failing, SLOW},
    queued::{MESSAGE, queued},
};

const SECOND: Duration = Duration::from_secs(1);

/// Queues a message for that many recipients at one destination.
async fn queue(agent: &Agent, count: usize) -> Vec<TransactionId> {
    queue_for(agent, (0..count).map(|n| format!("r{n}@y"))).await
}

async fn queue_for(agent: &Agent, to: impl Iterator<Item = String>) -> Vec<TransactionId> {
    let message_key = Some(MessageKey::random());
    let mut ids = Vec::new();
    for to in to {
        let mut new = queued(&to, agent.clock.now());
        new.message_key = message_key;
        ids.push(new.id);
        agent.storage.backend().insert(new).await.unwrap();
    }
    ids
}

async fn attempts(agent: &Agent, ids: &[TransactionId]) -> Vec<u32> {
    let mut attempts = Vec::new();
    for id in ids {
        let stored = agent.storage.backend().find(*id).await.unwrap().unwrap();
        attempts.push(stored.attempt_count);
    }
    attempts
}

/// The number of recipients of each transaction, largest first.
fn transactions(destination: &Script) -> Vec<usize> {
    let received = destination.received();
    assert!(received.iter().all(|received| received.body == MESSAGE));
    let mut counts: Vec<_> = received.iter().map(|one| one.recipients.len()).collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    counts
}

#[tokio::test(start_paused = true)]
async fn what_is_due_of_one_message_goes_in_transactions_of_a_hundred() {
    // Also with few places: the agent has eight.
    let destination = Script::new().message(Answer::After(SECOND, Reply::message_accepted()));
    let agent = Agent::over(Sharing::new(destination.clone()).boxed()).await;
    let ids = queue(&agent, 250).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 250 }).await;
    assert_eq!(transactions(&destination), [100, 100, 50]);
    assert!(agent.seconds() <= 5, "{}", agent.seconds());
    assert!(attempts(&agent, &ids).await.iter().all(|count| *count == 1));
    dispatching.stop().await;
}

#[tokio::test(start_paused = true)]
async fn messages_and_destinations_are_told_apart() {
    let destination = Script::new();
    let agent = Agent::over(Sharing::new(destination.clone()).boxed()).await;
    queue(&agent, 10).await;
    queue(&agent, 20).await;
    queue_for(&agent, ["a@x", "b@y", "c@z"].map(String::from).into_iter()).await;
    let _dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 33 }).await;
    assert_eq!(transactions(&destination), [20, 10, 1, 1, 1]);
}

/// Recipients that were deferred together are due together, within the spread of times.
#[tokio::test(start_paused = true)]
async fn what_is_put_off_together_goes_together_again() {
    let busy = || Script::new().message(Reply::mailbox_busy());
    let up = Script::new();
    let down = [busy(), busy(), busy()];
    let scripts = turns(down.into_iter().chain([up.clone()]));
    let agent = Agent::over(Sharing::new(scripts)).await;
    let ids = queue(&agent, 40).await;
    let _dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 40 }).await;
    assert_eq!(transactions(&up), [40]);
    assert_eq!(attempts(&agent, &ids).await, [4; 40]);
}

#[tokio::test(start_paused = true)]
async fn who_is_put_off_alone_goes_alone() {
    let destination = turns([
        Script::new().rcpt("r3@y", Reply::mailbox_busy()),
        Script::new(),
    ]);
    let agent = Agent::over(Sharing::new(destination)).await;
    let ids = queue(&agent, 9).await;
    let _dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 9 }).await;
    assert_eq!(attempts(&agent, &ids).await, [1, 1, 1, 2, 1, 1, 1, 1, 1]);
}

/// Before it has begun, and while the message is on its way, when the destination already has it.
#[tokio::test(start_paused = true)]
async fn one_that_is_cancelled_leaves_the_others() {
    let destination = Script::new().message(Answer::After(5 * SECOND, Reply::message_accepted()));
    let agent = Agent::over(Sharing::new(destination.clone()).boxed()).await;
    let ids = queue(&agent, 8).await;
    let cancel = async |id| {
        let watch = agent.storage.watch(id).await.unwrap().unwrap();
        agent.storage.cancel(&watch).await.unwrap();
    };
    cancel(ids[0]).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.leased == 7 }).await;
    sleep(SECOND).await;
    cancel(ids[4]).await;
    until(|| async { agent.census().await.finished == 8 }).await;
    assert_eq!(transactions(&destination), [7]);
    assert_eq!(attempts(&agent, &ids).await, [0, 1, 1, 1, 1, 1, 1, 1]);
    dispatching.stop().await;
}

/// Attempts whose message is on its way end; the ones that have not begun are given back.
#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_a_message_on_its_way_and_for_nothing_else() {
    let destination = Script::new().message(Answer::After(5 * SECOND, Reply::message_accepted()));
    let agent = Agent::over(Sharing::new(destination.clone()).boxed()).await;
    queue(&agent, 8).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.leased == 8 }).await;
    let later = queue(&agent, 8).await;
    agent.storage.drain(Drain::Committed);
    dispatching.stop().await;
    agent.storage.given_back().await;
    assert_eq!(transactions(&destination), [8]);
    let census = agent.census().await;
    assert_eq!((census.finished, census.waiting), (8, 8));
    assert_eq!(attempts(&agent, &later).await, [0; 8]);
}

/// The companions could not be leased: the others go without them.
#[tokio::test(start_paused = true)]
async fn a_failure_to_lease_companions_holds_up_nothing() {
    let backend = Failing::default();
    let destination = Script::new();
    let agent = Agent::on(backend.clone(), Sharing::new(destination.clone())).await;
    backend.failed_companions.store(1, Ordering::Relaxed);
    queue(&agent, 30).await;
    let _dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 30 }).await;
    // There are eight places, half of which one look takes.
    assert_eq!(transactions(&destination), [26, 4]);
}

/// A stop while companions are leased gives all of them back as they were.
#[tokio::test(start_paused = true)]
async fn a_stop_meanwhile_gives_all_back() {
    let backend = Failing::default();
    let agent = Agent::on(backend.clone(), Sharing::new(Script::new()).boxed()).await;
    backend.slow_companions.store(1, Ordering::Relaxed);
    let ids = queue(&agent, 30).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.leased == 4 }).await;
    dispatching.abort().await;
    until(|| async { agent.census().await.waiting == 30 }).await;
    assert_eq!(attempts(&agent, &ids).await, [0; 30]);
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 30 }).await;
    assert!(agent.seconds() < SLOW.as_secs().try_into().unwrap());
    dispatching.stop().await;
}

/// A host that is down at first.
#[derive(Debug, Clone, Default)]
struct Host {
    is_up: Arc<AtomicBool>,
    tried: Arc<Mutex<Vec<Instant>>>,
    script: Script,
}

impl Host {
    fn service(&self) -> impl MailService + use<> {
        let host = self.clone();
        service_fn(move |tx| host.clone().deliver(tx))
    }

    /// When it may be tried again, and whether it is tried now.
    fn ask(&self) -> (Instant, bool) {
        let now = Instant::now();
        let mut tried = self.tried.lock().unwrap();
        match tried.last() {
            Some(last) if now < *last + 5 * SECOND => (*last + 5 * SECOND, false),
            _ => {
                tried.push(now);
                (now + 5 * SECOND, true)
            }
        }
    }

    async fn deliver(self, tx: Transaction) -> Result<Reply, BoxError> {
        let host = HostPort {
            host: "host".into(),
            port: 25,
        };
        if !self.is_up.load(Ordering::Relaxed) {
            let (until, is_tried) = self.ask();
            if is_tried {
                // It takes a while to find that out.
                sleep(SECOND).await;
            }
            let unreached = Unreached {
                hosts: [host].into(),
                until,
                is_tried,
            };
            drop(tx);
            return Ok(Reply::connection_failed().with_extension(unreached));
        }
        let remote = RemoteMta {
            host: "host".into(),
            address: ([192, 0, 2, 1], 25).into(),
        };
        let reply = self.script.oneshot(tx).await?;
        Ok(reply.with_extension(remote))
    }
}

/// One of those that go together tries the host; once it is up, all go.
#[tokio::test(start_paused = true)]
async fn what_waits_for_a_host_is_tried_by_one_and_goes_in_few_transactions() {
    let host = Host::default();
    let agent = Agent::over(Sharing::new(host.service())).await;
    let ids = queue(&agent, 300).await;
    let dispatching = agent.dispatch();
    sleep(40 * SECOND).await;
    let tried = host.tried.lock().unwrap().len();
    assert!((6..=9).contains(&tried), "{tried}");
    let counted: u32 = attempts(&agent, &ids).await.iter().sum();
    assert_eq!(counted as usize, tried);
    let up = Instant::now();
    host.is_up.store(true, Ordering::Relaxed);
    until(|| async { agent.census().await.finished == 300 }).await;
    assert!(up.elapsed() < 20 * SECOND, "{:?}", up.elapsed());
    assert_eq!(transactions(&host.script), [100, 100, 100]);
    dispatching.stop().await;
}

/// A companion that is no longer a copy by the time it is sent goes alone: nothing is mixed up, and
/// nobody waits for others.
#[tokio::test(start_paused = true)]
async fn what_is_changed_on_its_way_goes_alone() {
    let destination = Script::new();
    let shared = Sharing::new(destination.clone());
    let changed = service_fn(move |tx: Transaction| {
        let shared = shared.clone();
        let tx = tx.map_body(|body| body.map(Ok::<_, Reply>));
        shared.oneshot(tx)
    });
    let agent = Agent::on(MemoryBackend::new(), changed).await;
    queue(&agent, 12).await;
    let _dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 12 }).await;
    assert_eq!(transactions(&destination), [1; 12]);
}

/// Passes each transaction on after that time, by its number in their order.
fn late(
    shared: Sharing<Script>,
    time: impl Fn(u32) -> Duration + Clone + Send + Sync + 'static,
) -> impl MailService {
    let count = Arc::new(AtomicU32::new(0));
    service_fn(move |tx: Transaction| {
        let (shared, time) = (shared.clone(), time(count.fetch_add(1, Ordering::Relaxed)));
        async move {
            sleep(time).await;
            shared.oneshot(tx).await
        }
    })
}

/// As on a busy machine, where copies are read one after the other.
#[tokio::test(start_paused = true)]
async fn companions_that_come_one_after_the_other_go_together() {
    let destination = Script::new();
    let service = late(Sharing::new(destination.clone()), |number| {
        number * SECOND / 4
    });
    let agent = Agent::over(service).await;
    queue(&agent, 40).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 40 }).await;
    assert_eq!(transactions(&destination), [40]);
    dispatching.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_companion_that_hangs_holds_up_nobody_for_long() {
    let destination = Script::new();
    let service = late(Sharing::new(destination.clone()), |number| match number {
        3 => 600 * SECOND,
        _ => Duration::ZERO,
    });
    let agent = Agent::over(service).await;
    queue(&agent, 40).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 39 }).await;
    assert!(agent.seconds() <= 2, "{}", agent.seconds());
    assert_eq!(transactions(&destination), [39]);
    dispatching.abort().await;
}
