//! Hosts that limit the rate of messages.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    rate::{OverRate, Promise, Rate, ReplicaCount},
    reply::{RemoteMta, Reply},
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{MemoryBackend, record::TransactionId},
    test_util::{mail, rcpt, send},
    transaction::Transaction,
};
use tokio::time::{Instant, sleep, timeout};
use tower::{BoxError, service_fn};

use crate::{
    agent::{Agent, Dispatching},
    failing::Failing,
    queued::{MESSAGE, queued},
};

const SECOND: Duration = Duration::from_secs(1);
/// The maximum number of messages per second.
const RATE: usize = 10;

/// How long it takes to find out that the host cannot be reached.
const UNREACHED_AFTER: Duration = Duration::from_secs(5);
/// How long the host takes for a message for `long`.
const LONG: Duration = Duration::from_secs(1000);

/// Domains below `slow` have one host that accepts ten messages per second; others accept
/// everything.
/// `nobody` is refused before the host is asked. For `unreached`, the host does not answer.
#[derive(Clone)]
struct Hosts {
    rate: Rate,
    refused: Arc<AtomicUsize>,
    delivered: Arc<Mutex<Vec<(String, Instant)>>>,
    takes: Duration,
}

impl Hosts {
    fn new(takes: Duration) -> Self {
        let count = NonZeroU32::new(u32::try_from(RATE).unwrap()).unwrap();
        Self::at(Rate::new(count, SECOND), takes)
    }

    fn at(rate: Rate, takes: Duration) -> Self {
        Self {
            rate,
            refused: Arc::default(),
            delivered: Arc::default(),
            takes,
        }
    }

    fn service(&self) -> impl MailService + use<> {
        let hosts = self.clone();
        service_fn(move |tx| hosts.clone().deliver(tx))
    }

    async fn deliver(self, tx: Transaction) -> Result<Reply, BoxError> {
        let promise = tx.signals.find::<Promise>();
        let Transaction {
            mail,
            mut recipients,
            mut body,
            ..
        } = tx;
        mail.answer(Reply::sender_ok());
        let rcpt = recipients.next().await?.unwrap();
        let to = rcpt.forward_path().to_string();
        if to.starts_with("nobody") {
            return Ok(Reply::no_such_user());
        }
        if to.ends_with(".slow") {
            let Some(turn) = self.rate.reserve(promise.as_deref()) else {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let rate = self.rate.clone();
                return Ok(Reply::over_rate().with_extension(OverRate { rate }));
            };
            if to.starts_with("unreached") {
                sleep(UNREACHED_AFTER).await;
                return Ok(Reply::local_error());
            }
            turn.spend();
        }
        let is_long = to.starts_with("long");
        self.delivered.lock().unwrap().push((to, Instant::now()));
        rcpt.answer(Reply::recipient_ok());
        while body.next().await?.is_some() {}
        sleep(if is_long { LONG } else { self.takes }).await;
        Ok(Reply::message_accepted().with_extension(RemoteMta {
            host: "mx".into(),
            address: ([192, 0, 2, 1], 25).into(),
        }))
    }

    fn delivered(&self, part: &str) -> Vec<Instant> {
        let delivered = self.delivered.lock().unwrap();
        let those = delivered.iter().filter(|(to, _)| to.contains(part));
        those.map(|(_, at)| *at).collect()
    }

    /// No second contains more messages than the host accepts in one.
    fn assert_rate(&self) {
        let times = self.delivered(".slow");
        for from in &times {
            let span = times.iter();
            let span = span.filter(|at| **at >= *from && **at < *from + SECOND);
            assert!(span.count() <= RATE);
        }
    }
}

async fn queue(agent: &Agent, to: &str) -> TransactionId {
    let message = queued(to, agent.clock.now());
    let id = message.id;
    agent.storage.backend().insert(message).await.unwrap();
    id
}

async fn ends(agent: &Agent, dispatching: Dispatching, all: u64, within: Duration) {
    let done = async {
        while agent.census().await.finished < all {
            sleep(SECOND / 10).await;
        }
    };
    timeout(within, done).await.expect("some are left");
    dispatching.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_goes_as_fast_as_the_host_takes_it_and_holds_up_nothing() {
    let hosts = Hosts::new(SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    let mut ids = Vec::new();
    for number in 0..1000 {
        ids.push(queue(&agent, &format!("m{number}@a.slow")).await);
    }
    for number in 0..50 {
        queue(&agent, &format!("m{number}@fast")).await;
    }
    let (begun, dispatching) = (Instant::now(), agent.dispatch());
    ends(&agent, dispatching, 1050, 120 * SECOND).await;
    let last_of = |part| hosts.delivered(part).into_iter().max().unwrap() - begun;
    assert!(last_of("@fast") < SECOND, "{:?}", last_of("@fast"));
    let last = last_of(".slow");
    assert!(last >= 99 * SECOND && last < 101 * SECOND, "{last:?}");
    assert_eq!(hosts.delivered(".slow").len(), 1000);
    hosts.assert_rate();
    for second in 0..90 {
        let from = begun + second * SECOND;
        let times = hosts.delivered(".slow").into_iter();
        let span = times.filter(|at| *at >= from && *at < from + 10 * SECOND);
        let count = span.count();
        assert!(
            (9 * RATE..=10 * RATE).contains(&count),
            "{count} from {second} on"
        );
    }
    // The one that found no turns left; the others were leased when there were some.
    let refused = hosts.refused.load(Ordering::Relaxed);
    assert!(refused <= 10, "{refused} were leased in vain");
    for id in ids {
        let stored = agent.storage.backend().find(id).await.unwrap().unwrap();
        assert_eq!(
            stored.attempt_count, 1,
            "what waits for its turn is no attempt"
        );
    }
}

/// A host that is slow for each message gets as many as another.
#[tokio::test(start_paused = true)]
async fn how_long_a_message_takes_changes_nothing() {
    let hosts = Hosts::new(SECOND / 4);
    let agent = Agent::over(hosts.service()).await;
    for number in 0..100 {
        // Two destinations with one host.
        let domain = ["a.slow", "b.slow"][number % 2];
        queue(&agent, &format!("m{number}@{domain}")).await;
    }
    let (begun, dispatching) = (Instant::now(), agent.dispatch());
    ends(&agent, dispatching, 100, 60 * SECOND).await;
    hosts.assert_rate();
    let last = hosts.delivered(".slow").into_iter().max().unwrap() - begun;
    assert!(last < 12 * SECOND, "{last:?}");
}

/// A large number of messages for a host does not take the turns of other messages for it.
#[tokio::test(start_paused = true)]
async fn destinations_of_one_host_share_its_turns() {
    let hosts = Hosts::new(SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    for number in 0..300 {
        queue(&agent, &format!("m{number}@a.slow")).await;
    }
    for number in 0..20 {
        queue(&agent, &format!("m{number}@b.slow")).await;
    }
    let (begun, dispatching) = (Instant::now(), agent.dispatch());
    ends(&agent, dispatching, 320, 60 * SECOND).await;
    hosts.assert_rate();
    let last_of = |part| hosts.delivered(part).into_iter().max().unwrap() - begun;
    assert!(last_of("@b") < 8 * SECOND, "{:?}", last_of("@b"));
    let last = last_of("@a");
    assert!(last >= 31 * SECOND && last < 34 * SECOND, "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_reply_is_told_at_once_and_its_message_goes_in_turn() {
    let hosts = Hosts::new(SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    let begun = Instant::now();
    let dispatching = agent.dispatch();
    for number in 0..25 {
        let front = agent.exploder(ReplyPolicy::Submission);
        let to = rcpt(&format!("m{number}@a.slow"));
        let outcome = send(front, mail("a@x"), [to], MESSAGE).await;
        let is_taken = outcome.message.as_ref().is_some_and(Reply::is_positive);
        assert!(is_taken, "{number}: {outcome:?}");
    }
    assert!(begun.elapsed() < SECOND / 2, "{:?}", begun.elapsed());
    assert_eq!(hosts.delivered(".slow").len(), RATE);
    ends(&agent, dispatching, 25, 60 * SECOND).await;
    hosts.assert_rate();
    let last = hosts.delivered(".slow").into_iter().max().unwrap() - begun;
    assert!(last >= 2 * SECOND && last < 3 * SECOND, "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_promise_the_client_is_told_to_come_back() {
    let hosts = Hosts::new(Duration::ZERO);
    let agent = Agent::over(hosts.service()).await;
    let replies = async {
        let mut replies = Vec::new();
        for number in 0..12 {
            let front = agent.exploder(ReplyPolicy::Ingress);
            let to = rcpt(&format!("m{number}@a.slow"));
            let outcome = send(front, mail("a@x"), [to], MESSAGE).await;
            let reply = outcome.message.as_ref().or(outcome.recipients.first());
            replies.push(reply.unwrap().to_string());
        }
        replies
    };
    let replies = replies.await;
    let is = |reply: &String, code: &str| reply.starts_with(code);
    assert!(
        replies[..RATE].iter().all(|reply| is(reply, "250")),
        "{replies:?}"
    );
    assert!(
        replies[RATE..].iter().all(|reply| is(reply, "450 4.4.5")),
        "{replies:?}"
    );
}

/// Turns are there for new attempts while storage is queried for due transactions.
#[tokio::test(start_paused = true)]
async fn slow_storage_takes_no_turns() {
    let backend = Failing::default();
    let slow = Arc::clone(&backend.slow_turns);
    let hosts = Hosts::new(Duration::ZERO);
    let agent = Agent::on(backend, hosts.service()).await;
    for number in 0..15 {
        queue(&agent, &format!("queued{number}@a.slow")).await;
    }
    let dispatching = agent.dispatch();
    sleep(SECOND / 2).await;
    slow.store(1, Ordering::Relaxed);
    sleep(10 * SECOND).await;
    assert_eq!(slow.load(Ordering::Relaxed), 0, "it is being asked");
    assert_eq!(hosts.delivered("queued").len(), RATE);
    for number in 0..RATE {
        let front = agent.exploder(ReplyPolicy::Ingress);
        let to = rcpt(&format!("live{number}@a.slow"));
        let outcome = send(front, mail("a@x"), [to], MESSAGE).await;
        assert!(outcome.is_delivered(), "{number}: {outcome:?}");
    }
    ends(&agent, dispatching, 25, 60 * SECOND).await;
    hosts.assert_rate();
    assert_eq!(hosts.delivered("queued").len(), 15);
}

/// One message may take as long as it likes, and another may need no turn at all.
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_not_needed_is_anothers_while_a_message_goes_on() {
    let hosts = Hosts::at(Rate::new(NonZeroU32::MIN, SECOND), SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    queue(&agent, "long1@a.slow").await;
    queue(&agent, "long2@a.slow").await;
    let (begun, dispatching) = (Instant::now(), agent.dispatch());
    sleep(SECOND / 2).await;
    // From now on they go in turn.
    for to in ["nobody1", "c", "nobody2", "nobody3", "d", "e"] {
        queue(&agent, &format!("{to}@a.slow")).await;
    }
    sleep(SECOND).await;
    assert_eq!(hosts.delivered(".slow").len(), 2);
    ends(&agent, dispatching, 8, 2 * LONG).await;
    hosts.assert_rate();
    let last = hosts.delivered(".slow").into_iter().max().unwrap() - begun;
    assert!(last < 6 * SECOND, "{last:?}");
}

/// A turn that somebody has had in vain is there at once, and not when its time would have been over.
#[tokio::test(start_paused = true)]
async fn a_turn_that_was_had_in_vain_is_the_queues_at_once() {
    let hosts = Hosts::at(Rate::new(NonZeroU32::MIN, 3600 * SECOND), SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let begun = Instant::now();
    let unreached = [rcpt("unreached@a.slow")];
    let live = send(front, mail("a@x"), unreached, MESSAGE);
    let queued = async {
        sleep(SECOND).await;
        queue(&agent, "a@a.slow").await;
        let dispatching = agent.dispatch();
        ends(&agent, dispatching, 1, 2 * UNREACHED_AFTER).await;
    };
    let (outcome, ()) = tokio::join!(live, queued);
    assert!(!outcome.is_delivered(), "{outcome:?}");
    let went = hosts.delivered("a@a.slow")[0] - begun;
    assert!(
        went >= UNREACHED_AFTER && went < UNREACHED_AFTER + SECOND,
        "{went:?}"
    );
}

/// What another replica would have had is the queue's at once.
#[tokio::test(start_paused = true)]
async fn the_share_of_a_replica_that_is_gone_is_the_queues_at_once() {
    let (replicas, hour) = (ReplicaCount::default(), 3600 * SECOND);
    replicas.set(2);
    let count = NonZeroU32::new(7).unwrap();
    let rate = Rate::among(count, hour, replicas.clone());
    let hosts = Hosts::at(rate, SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    for number in 0..2 {
        queue(&agent, &format!("m{number}@a.slow")).await;
    }
    let dispatching = agent.dispatch();
    sleep(60 * SECOND).await;
    assert_eq!(hosts.delivered(".slow").len(), 1);
    replicas.set(1);
    ends(&agent, dispatching, 2, SECOND).await;
    assert_eq!(hosts.delivered(".slow").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn live_and_queued_mail_share_the_turns() {
    let hosts = Hosts::new(SECOND / 100);
    let agent = Agent::over(hosts.service()).await;
    for number in 0..60 {
        queue(&agent, &format!("queued{number}@a.slow")).await;
    }
    let dispatching = agent.dispatch();
    for number in 0..40 {
        let front = agent.exploder(ReplyPolicy::Submission);
        let to = rcpt(&format!("live{number}@a.slow"));
        let outcome = send(front, mail("a@x"), [to], MESSAGE).await;
        assert!(outcome.message.is_some_and(|reply| reply.is_positive()));
        sleep(SECOND / 7).await;
    }
    ends(&agent, dispatching, 100, 60 * SECOND).await;
    assert_eq!(hosts.delivered(".slow").len(), 100);
    hosts.assert_rate();
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_what_waits_for_its_turn_in_the_queue() {
    let hosts = Hosts::new(SECOND / 100);
    let agent = Agent::on(MemoryBackend::new(), hosts.service()).await;
    for number in 0..100 {
        queue(&agent, &format!("m{number}@a.slow")).await;
    }
    let dispatching = agent.dispatch();
    sleep(3 * SECOND + SECOND / 2).await;
    dispatching.stop().await;
    let census = agent.census().await;
    assert_eq!((census.finished, census.leased), (40, 0), "{census:?}");
    assert_eq!(census.waiting, 60);
}
