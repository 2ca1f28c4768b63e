//! Several agents over one store.

use std::{
    future::pending,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use koukan_core::{
    clock::Clock,
    reply::{Reply, ReplyCode},
    service::MailService,
    stage::output_handler::AttemptOutcome,
    storage::{
        BackendError, Drain, Lease, MemoryBackend, Queue, Records, Sessions,
        record::{FinalReason, SessionId, Standing, Status, TransactionId},
    },
    test_util::{
        Faults, FaultyBackend, ManualClock, SeededRandom, TokioClock, Trouble, TroubleKind,
    },
    transaction::Transaction,
};
use tokio::time::{Instant, sleep};
use tower::{BoxError, service_fn};

use crate::{
    agent::Agent,
    queued::{Log, queued},
};

pub(crate) const TERM: Duration = Duration::from_secs(6);

/// The events of attempts, and their times.
#[derive(Clone)]
pub(crate) struct Times {
    start: Instant,
    seen: Arc<Mutex<Vec<(&'static str, Duration)>>>,
}

/// What an upstream does with a message.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Conduct {
    Takes,
    /// It never answers RCPT.
    HangsAtRcpt,
    /// It reads the message, and never answers.
    HangsAtEnd,
    Defers,
}

impl Times {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            seen: Arc::default(),
        }
    }

    pub(crate) fn note(&self, what: &'static str) {
        let at = self.start.elapsed();
        self.seen.lock().unwrap().push((what, at));
    }

    pub(crate) fn all(&self) -> Vec<&'static str> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(what, _)| *what).collect()
    }

    fn of(&self, what: &str) -> Duration {
        let seen = self.seen.lock().unwrap();
        let found = seen.iter().find(|(seen, _)| *seen == what);
        found.unwrap_or_else(|| panic!("never {what}: {seen:?}")).1
    }

    pub(crate) fn upstream(&self, conduct: Conduct) -> impl MailService {
        let times = self.clone();
        service_fn(move |tx: Transaction| attempt(tx, times.clone(), conduct))
    }
}

/// Notes that an attempt has ended early.
struct Ended(Option<Times>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(times) = &self.0 {
            times.note("given up");
        }
    }
}

async fn attempt(tx: Transaction, times: Times, conduct: Conduct) -> Result<Reply, BoxError> {
    let Transaction {
        mail,
        mut recipients,
        mut body,
        ..
    } = tx;
    times.note(match conduct {
        Conduct::Takes => "taken",
        _ => "begun",
    });
    let mut ended = Ended(Some(times));
    mail.answer(Reply::sender_ok());
    let rcpt = recipients.next().await?.unwrap();
    if conduct == Conduct::HangsAtRcpt {
        pending::<()>().await;
    }
    if conduct == Conduct::Defers {
        ended.0 = None;
        let later = Reply::new(ReplyCode::new(451).unwrap(), None, "later");
        rcpt.answer(later.clone());
        return Ok(later);
    }
    rcpt.answer(Reply::recipient_ok());
    while body.next().await?.is_some() {}
    if conduct == Conduct::HangsAtEnd {
        pending::<()>().await;
    }
    ended.0 = None;
    Ok(Reply::message_accepted())
}

fn start() -> Timestamp {
    ManualClock::default().now()
}

pub(crate) fn store() -> MemoryBackend {
    MemoryBackend::new().with_session_term(TERM, Arc::new(TokioClock::default()))
}

/// The store as seen by an agent that is cut off from it during those seconds from now.
pub(crate) fn cut_off(store: &MemoryBackend, seconds: Range<u64>) -> Arc<FaultyBackend> {
    let during = Duration::from_secs(seconds.start)..Duration::from_secs(seconds.end);
    let trouble = Trouble {
        during,
        kind: TroubleKind::CutOff,
        per_mille: 1000,
    };
    let faults = Faults {
        trouble: vec![trouble],
        ..Faults::default()
    };
    let inner = Arc::new(store.another_process());
    let random = SeededRandom::new(1);
    Arc::new(FaultyBackend::new(inner, faults, random, Duration::ZERO))
}

pub(crate) async fn insert(store: &MemoryBackend) -> TransactionId {
    let new = queued("b@y", start());
    let id = new.id;
    store.insert(new).await.unwrap();
    id
}

pub(crate) async fn status(store: &MemoryBackend, id: TransactionId) -> Status {
    store.find(id).await.unwrap().unwrap().status
}

pub(crate) const DELIVERED: Status = Status::Final(FinalReason::Delivered);

pub(crate) async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

/// An agent on the store as it is.
pub(crate) async fn replica(store: &MemoryBackend, upstream: impl MailService) -> Agent {
    Agent::on_shared(Arc::new(store.another_process()), upstream).await
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_replica_worked_on_is_taken_over_within_ten_seconds() {
    let (store, times) = (store(), Times::new());
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let killed = SessionId::random();
    store.open_session(killed, start()).await.unwrap();
    let id = insert(&store).await;
    let leased = store.lease_due(killed, start(), Standing::Clear, 10, &[]);
    assert_eq!(leased.await.unwrap().len(), 1);
    let _dispatching = other.dispatch();
    seconds(10).await;
    assert_eq!(times.all(), ["taken"]);
    assert!(times.of("taken") >= TERM, "it was not dead yet");
    assert_eq!(status(&store, id).await, DELIVERED);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_cut_off_stops_before_another_takes_over() {
    for conduct in [Conduct::HangsAtRcpt, Conduct::HangsAtEnd] {
        let (store, times) = (store(), Times::new());
        let upstream = times.upstream(conduct);
        let one = Agent::on_shared(cut_off(&store, 10..40), upstream).await;
        let (first, sound) = (one.storage.session(), one.storage.is_sound());
        let id = insert(&store).await;
        let dispatching = one.dispatch();
        seconds(5).await;
        assert_eq!(times.all(), ["begun"]);
        let other = replica(&store, times.upstream(Conduct::Takes)).await;
        let _dispatching = other.dispatch();
        seconds(20).await;
        assert_eq!(times.all(), ["begun", "given up", "taken"]);
        assert!(times.of("given up") < times.of("taken"));
        assert!(times.of("taken") < Duration::from_secs(10) + Duration::from_secs(8));
        assert!(!*sound.borrow());
        assert_eq!(one.storage.session(), first);

        seconds(20).await;
        assert!(*sound.borrow(), "it is back");
        assert_ne!(one.storage.session(), first);
        assert_eq!(status(&store, id).await, DELIVERED);
        // It works again, and does not restart the attempt it gave up.
        assert_eq!(times.all(), ["begun", "given up", "taken"]);
        dispatching.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_again_in_time_goes_on() {
    let (store, times) = (store(), Times::new());
    let upstream = times.upstream(Conduct::HangsAtRcpt);
    let one = Agent::on_shared(cut_off(&store, 10..12), upstream).await;
    let session = one.storage.session();
    insert(&store).await;
    let _dispatching = one.dispatch();
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let _others = other.dispatch();
    seconds(30).await;
    assert_eq!(times.all().len(), 1, "{:?}", times.all());
    assert_eq!(one.storage.session(), session);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_a_dead_session_does_not_go_through() {
    let (store, times) = (store(), Times::new());
    let one = Agent::on_shared(cut_off(&store, 2..20), times.upstream(Conduct::Takes)).await;
    let first = one.storage.session();
    let id = insert(&store).await;
    let (ended, mut end) = tokio::sync::mpsc::channel(1);
    // It goes on whatever happens, like a process that stood still.
    let stubborn = service_fn(move |lease: Lease| {
        let ended = ended.clone();
        async move {
            seconds(30).await;
            let written = lease.give_up(FinalReason::Cancelled).await;
            let _ = ended.send(written).await;
            Ok::<_, BoxError>(AttemptOutcome::Abandoned)
        }
    });
    let _dispatching = one.dispatch_to(stubborn);
    seconds(1).await;
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let _others = other.dispatch();
    seconds(27).await;
    assert_eq!(status(&store, id).await, DELIVERED);
    assert_eq!(one.storage.session(), first, "it still works on it");
    let written = end.recv().await.unwrap();
    assert!(matches!(written, Err(BackendError::LeaseLost)));
    assert_eq!(status(&store, id).await, DELIVERED);
    seconds(2).await;
    assert_ne!(one.storage.session(), first);
    assert!(*one.storage.is_sound().borrow());
}

#[tokio::test(start_paused = true)]
async fn clocks_may_differ_by_an_hour() {
    for (ahead, behind) in [(1, -1), (-1, 1)] {
        let (store, times) = (store(), Times::new());
        let clock = |hours| {
            let shown = start() + SignedDuration::from_hours(hours);
            Arc::new(TokioClock::starting_at(shown))
        };
        let (first, backend) = (Log::default(), store.another_process());
        let one = {
            let (times, first) = (times.clone(), first.clone());
            let upstream = service_fn(move |tx: Transaction| {
                first.add("deferred".into());
                attempt(tx, times.clone(), Conduct::Defers)
            });
            Agent::with_clock(backend, upstream, clock(ahead)).await
        };
        let id = insert(&store).await;
        let dispatching = one.dispatch();
        seconds(2).await;
        assert_eq!(first.count("deferred"), 1);
        dispatching.abort().await;
        one.storage.leave().await.unwrap();
        let upstream = times.upstream(Conduct::Takes);
        let other = Agent::with_clock(store.another_process(), upstream, clock(behind)).await;
        let _dispatching = other.dispatch();
        seconds(120).await;
        assert_eq!(times.all(), ["begun", "taken"]);
        let between = times.of("taken") - times.of("begun");
        assert!(between >= Duration::from_secs(50), "{between:?}");
        assert_eq!(status(&store, id).await, DELIVERED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_the_replica_that_works_on_it() {
    let (store, times) = (store(), Times::new());
    let one = replica(&store, times.upstream(Conduct::HangsAtRcpt)).await;
    let id = insert(&store).await;
    let _dispatching = one.dispatch();
    seconds(1).await;
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let watch = other.storage.watch(id).await.unwrap().unwrap();
    other.storage.cancel(&watch).await.unwrap();
    seconds(2).await;
    assert_eq!(times.all(), ["begun", "given up"]);
    assert_eq!(
        status(&store, id).await,
        Status::Final(FinalReason::Cancelled)
    );
    let mut watch = other.storage.watch(id).await.unwrap().unwrap();
    let reason = watch.snapshot().final_reason;
    assert_eq!(reason, Some(FinalReason::Cancelled), "it is read again");
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_gives_back_another_has_within_a_second() {
    let (store, times) = (store(), Times::new());
    let one = replica(&store, times.upstream(Conduct::HangsAtRcpt)).await;
    let id = insert(&store).await;
    let dispatching = one.dispatch();
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    seconds(20).await;
    let _others = other.dispatch();
    seconds(1).await;
    one.storage.drain(Drain::Committed);
    dispatching.stop().await;
    seconds(1).await;
    assert_eq!(times.all(), ["begun", "given up", "taken"]);
    let found = store.find(id).await.unwrap().unwrap();
    assert_eq!((found.status, found.attempt_count), (DELIVERED, 1));
    one.storage.leave().await.unwrap();
    assert!(one.storage.lease_due(1, &[]).await.is_err(), "it has left");
}

#[tokio::test(start_paused = true)]
async fn what_one_replica_queues_another_attempts() {
    let (store, times) = (store(), Times::new());
    let _one = replica(&store, times.upstream(Conduct::HangsAtRcpt)).await;
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let _dispatching = other.dispatch();
    seconds(100).await;
    let id = insert(&store).await;
    seconds(1).await;
    assert_eq!(status(&store, id).await, DELIVERED);
}

#[tokio::test(start_paused = true)]
async fn how_many_share_what_hosts_take_is_known_within_a_refresh() {
    let (store, times) = (store(), Times::new());
    let one = replica(&store, times.upstream(Conduct::Takes)).await;
    let count = |agent: &Agent| agent.storage.replicas().count().get();
    assert_eq!(count(&one), 1);
    // And a little more, so that it is done.
    let refresh = TERM / 8 + TERM / 80;
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    assert_eq!(count(&other), 2);
    sleep(refresh).await;
    assert_eq!(count(&one), 2);
    other.storage.leave().await.unwrap();
    sleep(refresh).await;
    assert_eq!(count(&one), 1);
    // A session that cannot be refreshed counts until it is dead.
    let dead = Agent::on_shared(cut_off(&store, 1..60), times.upstream(Conduct::Takes)).await;
    sleep(refresh).await;
    assert_eq!(count(&one), 2);
    sleep(TERM + refresh).await;
    assert_eq!(count(&one), 1);
    drop(dead);
}
