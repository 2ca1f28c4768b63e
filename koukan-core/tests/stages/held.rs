//! Transactions for destinations whose hosts do not answer are held back.

mod asked_for;
mod told_of_delay;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    reply::{RemoteMta, Reply, Unreached},
    service::MailService,
    signals::{Forced, HostPort},
    stage::exploder::ReplyPolicy,
    storage::{MemoryBackend, record::TransactionId},
    test_util::{Faults, FaultyBackend, SeededRandom, mail, rcpt, send},
    transaction::Transaction,
};
use rstest::rstest;
use tokio::time::{Instant, sleep};
use tower::{BoxError, service_fn};

use crate::{
    agent::{Agent, RETRY},
    queued::{MESSAGE, queued},
};

const SECOND: Duration = Duration::from_secs(1);

/// One host for each first label of a domain. The host `dead` is down at first, and is then tried by one
/// attempt at a time, with a back-off that doubles. `live` recipients are let through to it, and `other`
/// ones have another host.
#[derive(Debug, Clone, Default)]
struct Hosts(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_up: AtomicBool,
    /// When `dead` may be tried next, and how long it is left alone after that.
    until: Mutex<Option<(Instant, Duration)>>,
    /// When it was tried in vain.
    tried: Mutex<Vec<Instant>>,
    /// How often an attempt was told that it is down.
    told: Mutex<usize>,
    delivered: Mutex<Vec<(String, Instant)>>,
}

impl Hosts {
    fn service(&self) -> impl MailService + use<> {
        let hosts = self.clone();
        service_fn(move |tx| hosts.clone().deliver(tx))
    }

    fn set_up(&self) {
        self.0.is_up.store(true, Ordering::Relaxed);
    }

    fn tried(&self) -> usize {
        self.0.tried.lock().unwrap().len()
    }

    fn told(&self) -> usize {
        *self.0.told.lock().unwrap()
    }

    fn delivered(&self, start: &str) -> Vec<Instant> {
        let delivered = self.0.delivered.lock().unwrap();
        let those = delivered.iter().filter(|(to, _)| to.starts_with(start));
        those.map(|(_, at)| *at).collect()
    }

    async fn deliver(self, tx: Transaction) -> Result<Reply, BoxError> {
        let tx_is_forced = tx.signals.find::<Forced>().is_some();
        let Transaction {
            mail,
            mut recipients,
            mut body,
            ..
        } = tx;
        mail.answer(Reply::sender_ok());
        let rcpt = recipients.next().await?.unwrap();
        let to = rcpt.forward_path().to_string();
        let domain = to.split_once('@').unwrap().1;
        let name = domain.split('.').next().unwrap();
        if tx_is_forced {
            *self.0.until.lock().unwrap() = None;
        }
        if name == "dead"
            && !["live", "other"].iter().any(|free| to.starts_with(free))
            && let Some(unreached) = self.ask()
        {
            return Ok(Reply::connection_failed().with_extension(unreached));
        }
        let is_other = to.starts_with("other");
        let remote = RemoteMta {
            host: if is_other { "other" } else { name }.into(),
            address: ([192, 0, 2, 1], 25).into(),
        };
        if to.contains("unknown") {
            rcpt.answer(Reply::no_such_user());
            return Ok(Reply::no_valid_recipients());
        }
        rcpt.answer(Reply::recipient_ok());
        while body.next().await?.is_some() {}
        sleep(SECOND / 100).await;
        let mut delivered = self.0.delivered.lock().unwrap();
        delivered.push((to, Instant::now()));
        Ok(Reply::message_accepted().with_extension(remote))
    }

    fn ask(&self) -> Option<Unreached> {
        let now = Instant::now();
        let mut until = self.0.until.lock().unwrap();
        let may_try = until.is_none_or(|(until, _)| now >= until);
        if may_try && self.0.is_up.load(Ordering::Relaxed) {
            *until = None;
            return None;
        }
        if may_try {
            let wait = until.map_or(SECOND, |(_, wait)| wait);
            *until = Some((now + wait, (2 * wait).min(60 * SECOND)));
            self.0.tried.lock().unwrap().push(now);
        } else {
            *self.0.told.lock().unwrap() += 1;
        }
        let host = HostPort {
            host: "dead".into(),
            port: 25,
        };
        Some(Unreached {
            hosts: [host].into(),
            until: until.map_or(now, |(until, _)| until),
            is_tried: may_try,
        })
    }
}

async fn queue(agent: &Agent, to: &str) -> TransactionId {
    queue_for(agent, to, 0).await
}

/// Due in that many seconds.
async fn queue_for(agent: &Agent, to: &str, seconds: u64) -> TransactionId {
    let message = queued(to, agent.clock.now() + Duration::from_secs(seconds));
    let id = message.id;
    agent.storage.backend().insert(message).await.unwrap();
    id
}

/// However long the host is down: soon after it is up again, everything that waited for it is
/// delivered.
#[rstest]
#[case::a_moment(3, 0)]
#[case::half_a_minute(30, 1)]
#[case::ten_minutes(600, 5)]
#[tokio::test(start_paused = true)]
async fn what_waits_for_a_host_leaves_when_one_attempt_has_reached_it(
    #[case] down: u64,
    #[case] looks: usize,
) {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    let mut ids = Vec::new();
    for number in 0..300 {
        // Several destinations with one host.
        ids.push(queue(&agent, &format!("waits@dead.d{}", number % 3)).await);
    }
    queue(&agent, "bob@alive").await;
    queue_for(&agent, "carol@alive", down + 1).await;
    let dispatching = agent.dispatch();
    sleep(SECOND).await;
    assert_eq!(hosts.delivered("bob").len(), 1, "others go on");
    sleep(SECOND * down as u32).await;
    let tried = hosts.tried();
    assert!(tried <= 16, "{tried}");
    // Those at the same time as the first, then one for each time that the host is tried, and late
    // ones, which are checked less often the longer they wait.
    assert!(hosts.told() <= 30 + 300 * looks, "{}", hosts.told());
    let up = Instant::now();
    hosts.set_up();
    sleep(80 * SECOND).await;
    let delivered = hosts.delivered("waits");
    let first = *delivered.first().unwrap();
    let last = *delivered.last().unwrap();
    assert!(first - up <= 61 * SECOND, "{:?}", first - up);
    let drained = delivered.iter().filter(|at| **at - first <= 2 * SECOND);
    // Those that have tried it wait for their own schedules.
    assert!(drained.count() + tried >= 300, "{:?}", last - first);
    assert!(hosts.delivered("carol")[0] - up < SECOND);
    sleep(1000 * SECOND).await;
    assert_eq!(hosts.delivered("waits").len(), 300);
    dispatching.stop().await;
    let mut attempts = Vec::new();
    for id in ids {
        let stored = agent.storage.backend().find(id).await.unwrap().unwrap();
        attempts.push(stored.attempt_count);
    }
    let several = attempts.iter().filter(|attempts| **attempts > 1).count();
    assert!(several <= tried, "{attempts:?}");
}

/// An attempt with a waiting client may reach the host before its time.
#[tokio::test(start_paused = true)]
async fn a_live_attempt_that_gets_through_lets_the_others_go() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    for number in 0..50 {
        queue(&agent, &format!("waits{number}@dead.d")).await;
    }
    let _dispatching = agent.dispatch();
    sleep(100 * SECOND).await;
    assert!(hosts.delivered("waits").is_empty());
    hosts.set_up();
    let until = hosts.0.until.lock().unwrap().take().unwrap().0;
    let begun = Instant::now();
    assert!(until > begun + 10 * SECOND);
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), [rcpt("live@dead.other")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    sleep(SECOND).await;
    let delivered = hosts.delivered("waits").len();
    assert!(delivered + hosts.tried() >= 50, "{delivered}");
}

/// Mail that was kept because the host was down goes with the others.
#[tokio::test(start_paused = true)]
async fn what_was_kept_since_the_host_was_down_goes_with_the_others() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    let _dispatching = agent.dispatch();
    for number in 0..50 {
        let front = agent.exploder(ReplyPolicy::Submission);
        let to = rcpt(&format!("waits{number}@dead.d"));
        let outcome = send(front, mail("a@x"), [to], MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    }
    sleep(3 * SECOND).await;
    hosts.set_up();
    sleep(5 * SECOND).await;
    let delivered = hosts.delivered("waits").len();
    assert!(delivered + hosts.tried() >= 50, "{delivered}");
    assert!(hosts.tried() < 5);
}

/// Attempts are not counted, but time is.
#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_given_up() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    for number in 0..200 {
        queue(&agent, &format!("waits{number}@dead.d")).await;
    }
    let dispatching = agent.dispatch();
    sleep(RETRY.deadline - 10 * SECOND).await;
    let notified = hosts.delivered("a@x").len();
    assert!(
        notified < 20,
        "none but those that were attempted {notified}"
    );
    sleep(40 * SECOND).await;
    assert_eq!(hosts.delivered("a@x").len(), 200);
    // After 10, 70, 140, 280, 560, 1120 s, and then every ten minutes until the hour is over.
    assert!(hosts.tried() < 100, "{}", hosts.tried());
    assert!(hosts.told() <= 200 * 13, "{}", hosts.told());
    dispatching.stop().await;
    assert_eq!(agent.census().await.waiting, 0);
}

/// The attempt that is to try the host may end before it gets there.
#[tokio::test(start_paused = true)]
async fn who_finds_out_nothing_leaves_it_to_the_next() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    queue(&agent, "waits@dead.d").await;
    for number in 0..5 {
        queue_for(&agent, &format!("live-unknown{number}@dead.d"), 1).await;
    }
    queue_for(&agent, "waits@dead.d", 2).await;
    let _dispatching = agent.dispatch();
    sleep(SECOND / 2).await;
    assert_eq!(hosts.tried(), 1);
    hosts.set_up();
    sleep(10 * SECOND).await;
    // The one that tried it before goes with the other.
    assert_eq!(hosts.delivered("waits").len(), 2);
}

/// A destination with several hosts is not held back for the one that is down.
#[tokio::test(start_paused = true)]
async fn a_destination_of_which_another_host_answers_goes_on() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    queue(&agent, "waits@dead.d").await;
    queue_for(&agent, "other@dead.d", 2).await;
    for number in 0..20 {
        queue_for(&agent, &format!("other{number}@dead.d"), 20).await;
        queue_for(&agent, &format!("waits{number}@dead.d"), 20).await;
    }
    let _dispatching = agent.dispatch();
    sleep(22 * SECOND).await;
    assert_eq!(hosts.delivered("other").len(), 21);
}

/// While a host is down, storage is queried when something changes, not all the time.
#[rstest]
#[case::nothing_else(0, 300)]
#[case::others_go_on(500, 5 * 500 + 300)]
#[tokio::test(start_paused = true)]
async fn storage_is_asked_only_where_something_has_changed(
    #[case] others: u64,
    #[case] at_most: u64,
) {
    let hosts = Hosts::default();
    let backend = FaultyBackend::new(
        Arc::new(MemoryBackend::new()),
        Faults::default(),
        SeededRandom::new(1),
        Duration::ZERO,
    );
    let backend = Arc::new(backend);
    let agent = Agent::on_shared(backend.clone(), hosts.service()).await;
    for _ in 0..5 {
        queue(&agent, "waits@dead.d").await;
    }
    for number in 0..others {
        queue_for(&agent, &format!("bob@d{number}.alive"), 30 + number).await;
    }
    let _dispatching = agent.dispatch();
    sleep(20 * SECOND).await;
    let before = (backend.calls(), hosts.tried() + hosts.told());
    sleep(600 * SECOND).await;
    assert_eq!(hosts.delivered("bob").len() as u64, others);
    let attempts = hosts.tried() + hosts.told() - before.1;
    assert!(attempts <= 5 * 5 + 12, "{attempts}");
    let asked = backend.calls() - before.0;
    assert!(asked <= at_most, "{asked}");
}

/// New mail for a host that is down wakes no task.
#[tokio::test(start_paused = true)]
async fn what_is_held_back_as_it_comes_is_not_looked_for() {
    let hosts = Hosts::default();
    let backend = FaultyBackend::new(
        Arc::new(MemoryBackend::new()),
        Faults::default(),
        SeededRandom::new(1),
        Duration::ZERO,
    );
    let backend = Arc::new(backend);
    let agent = Agent::on_shared(backend.clone(), hosts.service()).await;
    let _dispatching = agent.dispatch();
    let keep = async || {
        let front = agent.exploder(ReplyPolicy::Submission);
        let outcome = send(front, mail("a@x"), [rcpt("waits@dead.d")], MESSAGE).await;
        assert!(outcome.is_delivered(), "{outcome:?}");
    };
    for _ in 0..5 {
        keep().await;
        sleep(SECOND).await;
    }
    sleep(200 * SECOND).await;
    let before = backend.calls();
    for _ in 0..100 {
        keep().await;
        sleep(SECOND / 50).await;
    }
    let asked = backend.calls() - before;
    // Each is written once, with what its client's attempt has shown.
    assert!(asked <= 100 + 20, "{asked}");
    hosts.set_up();
    sleep(100 * SECOND).await;
    let delivered = hosts.delivered("waits").len();
    // Those that have tried it wait for their own schedules.
    assert!(delivered + hosts.tried() >= 105, "{delivered}");
}
