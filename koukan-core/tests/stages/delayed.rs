//! The sender of a message is told once, and in one notification, of all recipients that are delayed together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    reply::Reply,
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{
        Drain, MemoryBackend,
        record::{FinalReason, Status, Work},
    },
    test_util::{Answer, Received, Script, mail, rcpt, send},
    transaction::Transaction,
};
use tokio::time::{sleep, timeout};
use tower::{ServiceExt, service_fn};

use crate::{
    agent::{Agent, Dispatching, until},
    aliases::asking,
    failing::Failing,
    told_together::{insert, legs, told_of, upstream},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";
/// When senders are told.
const DELAYED: Duration = Duration::from_secs(150);
/// Longer than attempts at one message wait for each other.
const SOON: Duration = Duration::from_secs(3);

/// Hosts that are busy until somebody says so.
#[derive(Debug, Clone, Default)]
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn is_over(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn service(&self) -> impl MailService + use<> {
        let busy = self.clone();
        service_fn(move |tx: Transaction| {
            let script = match busy.0.load(Ordering::Relaxed) {
                true => Script::new(),
                false => Script::new().mail(Answer::Return(Reply::mailbox_busy())),
            };
            script.oneshot(tx)
        })
    }
}

fn dispatch(agent: &Agent) -> Dispatching {
    agent.dispatch_to(agent.output.clone().with_delay_notices(DELAYED))
}

/// Until so many attempts wait for each other.
async fn wait_for_each_other(agent: &Agent, count: u64) {
    until(|| async {
        let is_time = agent.clock.now() >= Agent::start() + DELAYED;
        is_time && agent.census().await.leased == count
    })
    .await;
}

/// The notifications of delay.
fn delays(up: &Script) -> Vec<Received> {
    let received = up.received().into_iter();
    let is_delay = |it: &Received| it.text().contains("Action: delayed");
    received.filter(is_delay).collect()
}

async fn is_over(agent: &Agent) {
    until(|| async {
        let census = agent.census().await;
        census.waiting + census.leased == 0
    })
    .await;
}

/// Each as asked for.
#[tokio::test(start_paused = true)]
async fn who_is_delayed_together_is_told_of_together() {
    let (up, busy) = (Script::new(), Busy::default());
    let agent = Agent::over(upstream(busy.service(), &up)).await;
    let to = [
        asking("a@y", &[("NOTIFY", "DELAY"), ("ORCPT", "rfc822;first@z")]),
        rcpt("b@other"),
        asking("c@y", &[("NOTIFY", "FAILURE")]),
        rcpt("d@y"),
    ];
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = dispatch(&agent);
    until(|| async { !delays(&up).is_empty() }).await;
    // Nobody is told a second time.
    sleep(10 * DELAYED).await;
    busy.is_over();
    is_over(&agent).await;
    dispatching.stop().await;
    let told = delays(&up);
    // Those at one host have one schedule.
    let mut all: Vec<_> = told.iter().map(told_of).collect();
    all.sort_unstable();
    let both = all.len() == 1 && all[0] == ["a@y", "b@other", "d@y"];
    assert!(
        both || all == [vec!["a@y", "d@y"], vec!["b@other"]],
        "{all:?}"
    );
    let text = told
        .iter()
        .find(|it| told_of(it).contains(&"a@y".to_owned()));
    let text = text.unwrap().text();
    assert!(
        text.contains("Original-Recipient: rfc822; first@z"),
        "{text}"
    );
    let until = text.matches("Will-Retry-Until: ").count();
    assert_eq!(until, text.matches("Action: delayed").count());
    assert_eq!(text.matches("Subject: hi").count(), 1, "{text}");
}

/// Also where they are more than fit into one transaction with the host.
#[tokio::test(start_paused = true)]
async fn many_who_are_delayed_together_are_told_of_together() {
    let (up, busy) = (Script::new(), Busy::default());
    let agent = Agent::over(upstream(busy.service(), &up)).await;
    let to: Vec<_> = (0..110).map(|n| format!("r{n}@y")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    insert(&agent, legs(&agent, &to, Work::Attempt)).await;
    let dispatching = dispatch(&agent);
    until(|| async { !delays(&up).is_empty() }).await;
    sleep(10 * DELAYED).await;
    busy.is_over();
    is_over(&agent).await;
    dispatching.stop().await;
    let told: Vec<_> = delays(&up).iter().map(|it| told_of(it).len()).collect();
    assert_eq!(told, [110]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_twice_by_the_next_process() {
    let (up, busy) = (Script::new(), Busy::default());
    let shared = MemoryBackend::new();
    let agent = Agent::on(shared.another_process(), upstream(busy.service(), &up)).await;
    insert(&agent, legs(&agent, &["a@y", "b@y", "c@y"], Work::Attempt)).await;
    let dispatching = dispatch(&agent);
    until(|| async { !delays(&up).is_empty() }).await;
    dispatching.stop().await;
    drop(agent);
    let agent = Agent::on(shared, upstream(busy.service(), &up)).await;
    let dispatching = dispatch(&agent);
    sleep(10 * DELAYED).await;
    busy.is_over();
    is_over(&agent).await;
    dispatching.stop().await;
    let told: Vec<_> = delays(&up).iter().map(told_of).collect();
    assert_eq!(told, [["a@y", "b@y", "c@y"]]);
}

/// What was to be told, and was not, is told after the next attempts.
#[tokio::test(start_paused = true)]
async fn a_process_that_ends_before_the_commit_has_told_nobody() {
    let (up, busy) = (Script::new(), Busy::default());
    let backend = Failing::default();
    let agent = Agent::on(backend.clone(), upstream(busy.service(), &up)).await;
    insert(&agent, legs(&agent, &["a@y", "b@y"], Work::Attempt)).await;
    let dispatching = dispatch(&agent);
    wait_for_each_other(&agent, 2).await;
    assert!(delays(&up).is_empty());
    dispatching.abort().await;
    assert!(delays(&up).is_empty());
    let dispatching = dispatch(&agent);
    until(|| async { !delays(&up).is_empty() }).await;
    busy.is_over();
    is_over(&agent).await;
    dispatching.stop().await;
    let told: Vec<_> = delays(&up).iter().map(told_of).collect();
    assert_eq!(told, [["a@y", "b@y"]]);
}

/// An agent that stops waits for nobody.
#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_for_others() {
    let (up, busy) = (Script::new(), Busy::default());
    let agent = Agent::over(upstream(busy.service(), &up)).await;
    insert(&agent, legs(&agent, &["a@y", "b@y"], Work::Attempt)).await;
    let dispatching = dispatch(&agent);
    wait_for_each_other(&agent, 2).await;
    agent.storage.drain(Drain::Committed);
    let stopped = timeout(SOON / 10, dispatching.stop()).await;
    stopped.expect("it waits for others");
    let census = agent.census().await;
    assert_eq!(
        (census.waiting, census.leased),
        (3, 0),
        "the notification is queued"
    );
}

/// It takes effect after the commit.
#[tokio::test(start_paused = true)]
async fn who_is_cancelled_meanwhile_is_not_told_of() {
    let (up, busy) = (Script::new(), Busy::default());
    let agent = Agent::over(upstream(busy.service(), &up)).await;
    let legs = legs(&agent, &["a@y", "b@y", "c@y"], Work::Attempt);
    let ids: Vec<_> = legs.iter().map(|leg| leg.id).collect();
    insert(&agent, legs).await;
    let dispatching = dispatch(&agent);
    wait_for_each_other(&agent, 3).await;
    let mut watches = Vec::new();
    for id in &ids[1..] {
        watches.push(agent.storage.watch(*id).await.unwrap().unwrap());
    }
    // Whoever is the first one, one of these is not.
    for watch in watches {
        agent.storage.cancel(&watch).await.unwrap();
    }
    until(|| async { !delays(&up).is_empty() }).await;
    busy.is_over();
    is_over(&agent).await;
    dispatching.stop().await;
    let told: Vec<_> = delays(&up).iter().map(told_of).collect();
    assert_eq!(told, [["a@y"]]);
    let cancelled = FinalReason::Cancelled;
    for (id, expected) in ids
        .iter()
        .zip([FinalReason::Delivered, cancelled, cancelled])
    {
        let stored = agent.storage.backend().find(*id).await.unwrap().unwrap();
        assert_eq!(stored.status, Status::Final(expected));
    }
}

/// Whatever becomes of the commit: if its lease is lost, another process may have one of them.
#[tokio::test(start_paused = true)]
async fn who_is_delayed_is_told_of_once_if_a_commit_fails() {
    for fault in ["failed", "unanswered", "panicking", "lost"] {
        let (up, busy) = (Script::new(), Busy::default());
        let backend = Failing::default();
        let agent = Agent::on(backend.clone(), upstream(busy.service(), &up)).await;
        insert(&agent, legs(&agent, &["a@y", "b@y"], Work::Attempt)).await;
        let dispatching = dispatch(&agent);
        wait_for_each_other(&agent, 2).await;
        let faults = match fault {
            "failed" => &backend.failed_settlements,
            "unanswered" => &backend.unanswered_settlements,
            "panicking" => &backend.panicking_settlements,
            _ => &backend.lost_settlements,
        };
        faults.store(1, Ordering::Relaxed);
        until(|| async { !delays(&up).is_empty() }).await;
        sleep(10 * DELAYED).await;
        busy.is_over();
        is_over(&agent).await;
        dispatching.stop().await;
        let told: Vec<_> = delays(&up).iter().map(told_of).collect();
        assert_eq!(told, [["a@y", "b@y"]], "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_is_told_of_at_once() {
    let (up, busy) = (Script::new(), Busy::default());
    let agent = Agent::over(upstream(busy.service(), &up)).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("a@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = dispatch(&agent);
    let leased = || async { agent.census().await.leased };
    until(|| async { !delays(&up).is_empty() }).await;
    assert_eq!(leased().await, 0);
    busy.is_over();
    is_over(&agent).await;
    dispatching.stop().await;
    assert_eq!(delays(&up).len(), 1);
}
