//! The sender of a message is notified once of all recipients that fail together.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    clock::Clock,
    path::Parameter,
    reply::Reply,
    service::{BoxMailService, MailService},
    signals::Carried,
    stage::{dispatcher::Dispatcher, exploder::ReplyPolicy},
    storage::{
        MemoryBackend, Queue, Sessions,
        record::{Due, MessageKey, NewTransaction, SessionId, Standing, Status, Work},
    },
    test_util::{Answer, Received, Script, TokioClock, mail, rcpt, send},
    transaction::Transaction,
};
use tokio::time::sleep;
use tower::{ServiceExt, service_fn};

use crate::{
    agent::{Agent, turns, until},
    failing::{Failing, SLOW},
    queued::queued,
};

const MESSAGE: &str = "Subject: hi\r\nX-Mark: original\r\n\r\nhello\r\n";

fn busy() -> Script {
    Script::new().message(Reply::mailbox_busy())
}

fn refusing() -> Script {
    Script::new().message(Reply::bad_content())
}

/// Messages go to one service, notifications to the other.
pub(crate) fn upstream<M: MailService>(messages: M, told: &Script) -> impl MailService + use<M> {
    let (messages, told) = (BoxMailService::new(messages), told.clone());
    service_fn(move |tx: Transaction| {
        let (messages, told) = (messages.clone(), told.clone());
        async move {
            match tx.mail.reverse_path().is_null() {
                true => told.oneshot(tx).await,
                false => messages.oneshot(tx).await,
            }
        }
    })
}

/// The recipients that a notification reports.
pub(crate) fn told_of(notification: &Received) -> Vec<String> {
    let lines = notification.text().lines();
    let lines = lines.filter_map(|line| line.strip_prefix("Final-Recipient: rfc822; "));
    let mut told: Vec<_> = lines.map(str::to_owned).collect();
    told.sort_unstable();
    told
}

fn all_told_of(up: &Script) -> Vec<Vec<String>> {
    up.received().iter().map(told_of).collect()
}

async fn is_over(agent: &Agent, count: u64) {
    until(|| async {
        let census = agent.census().await;
        census.finished == count && census.waiting + census.leased == 0
    })
    .await;
}

/// A message for these recipients whose legs were all settled or are due, as a commit writes it.
pub(crate) fn legs(agent: &Agent, to: &[&str], work: Work) -> Vec<NewTransaction> {
    let message_key = Some(MessageKey::random());
    let now = agent.clock.now();
    let legs = to.iter().map(|to| {
        let mut leg = queued(to, now);
        leg.message_key = message_key;
        if work == Work::Notify {
            leg.recipients[0].settled = Some(Reply::no_such_user());
        }
        leg.status = Status::Due(Due { at: now, work });
        leg
    });
    let mut legs: Vec<_> = legs.collect();
    let trace = legs[0].id.into();
    for leg in &mut legs[1..] {
        leg.signals = Carried::of_trace(trace);
    }
    legs
}

pub(crate) async fn insert(agent: &Agent, legs: Vec<NewTransaction>) {
    for leg in legs {
        agent.storage.backend().insert(leg).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_fails_while_the_client_waits_is_told_of_together() {
    let up = Script::new();
    // One of them is slow to refuse.
    let slow = Answer::After(Duration::from_secs(8), Reply::bad_content());
    let slow = Script::new().message(slow);
    let scripts = turns([Script::new(), refusing(), slow, refusing(), busy()]);
    let agent = Agent::over(upstream(scripts, &up)).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let never = Parameter::new("NOTIFY", Some("NEVER")).unwrap();
    let mut silent = rcpt("d@v");
    silent.parameters.push(never).unwrap();
    let to = [rcpt("a@y"), rcpt("b@x"), rcpt("c@w"), silent];
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch();
    is_over(&agent, 5).await;
    dispatching.stop().await;
    assert_eq!(all_told_of(&up), [["b@x", "c@w"]]);
    let notification = up.only_received();
    assert_eq!(notification.recipient_texts(), ["a@x"]);
    let text = notification.text();
    assert_eq!(text.matches("Action: failed").count(), 2, "{text}");
    assert_eq!(text.matches("X-Mark: original").count(), 1, "{text}");
}

/// Whatever the destinations, and whichever fails first.
#[tokio::test(start_paused = true)]
async fn who_fails_in_one_round_is_told_of_together_and_who_fails_later_apart() {
    let up = Script::new();
    let slow = Answer::After(Duration::from_secs(3), Reply::bad_content());
    let first = [refusing(), Script::new().message(slow), busy()];
    let scripts = turns(first.into_iter().chain([refusing()]));
    let agent = Agent::over(upstream(scripts, &up)).await;
    let legs = legs(&agent, &["b@y", "c@z", "d@w"], Work::Attempt);
    insert(&agent, legs).await;
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    assert!((5..60).contains(&agent.seconds()), "{}", agent.seconds());
    is_over(&agent, 5).await;
    dispatching.stop().await;
    let told = all_told_of(&up);
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    let mut all = told.concat();
    all.sort_unstable();
    assert_eq!(all, ["b@y", "c@z", "d@w"]);
}

#[tokio::test(start_paused = true)]
async fn one_report_tells_of_a_thousand() {
    let up = Script::new();
    let agent = Agent::over(upstream(refusing(), &up)).await;
    let to: Vec<_> = (0..1200).map(|n| format!("r{n}@y{n}")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    insert(&agent, legs(&agent, &to, Work::Notify)).await;
    let dispatching = agent.dispatch();
    is_over(&agent, 1202).await;
    dispatching.stop().await;
    let mut told = all_told_of(&up);
    told.sort_unstable_by_key(Vec::len);
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [200, 1000]);
    let mut all = told.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 1200);
}

/// However many places there are, and whatever takes time.
#[tokio::test(start_paused = true)]
async fn no_more_are_told_of_at_a_time_than_there_is_room_for() {
    const PLACES: usize = 30;
    const BESIDE: u64 = 2000;
    let backend = Failing::default();
    let agent = Agent::on(backend.clone(), upstream(refusing(), &Script::new())).await;
    for message in 0..PLACES {
        let to: Vec<_> = (0..100).map(|n| format!("r{n}@y{message}")).collect();
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        insert(&agent, legs(&agent, &to, Work::Notify)).await;
    }
    backend.slow_settlements.store(100, Ordering::Relaxed);
    let dispatcher = Dispatcher::new(agent.storage.clone(), agent.output.clone(), PLACES);
    let dispatching = tokio::spawn(dispatcher.run(std::future::pending()));
    sleep(SLOW / 2).await;
    let leased = agent.storage.backend().census().await.unwrap().leased;
    assert!(
        (BESIDE..=BESIDE + PLACES as u64).contains(&leased),
        "{leased}"
    );
    dispatching.abort();
}

/// Messages, reverse-paths and requests of the sender that differ.
#[tokio::test(start_paused = true)]
async fn what_is_told_otherwise_is_told_apart() {
    let up = Script::new();
    let agent = Agent::over(upstream(refusing(), &up)).await;
    let mut first = legs(&agent, &["a@y", "b@y", "c@y", "d@y"], Work::Notify);
    first[2].mail = mail("other@x");
    let envid = Parameter::new("ENVID", Some("QQ314159")).unwrap();
    first[3].mail.parameters.push(envid).unwrap();
    insert(&agent, first).await;
    insert(&agent, legs(&agent, &["e@y", "f@y"], Work::Notify)).await;
    let dispatching = agent.dispatch();
    is_over(&agent, 10).await;
    dispatching.stop().await;
    let mut told = all_told_of(&up);
    told.sort_unstable();
    let expected = [
        vec!["a@y", "b@y"],
        vec!["c@y"],
        vec!["d@y"],
        vec!["e@y", "f@y"],
    ];
    assert_eq!(told, expected);
    let received = up.received();
    let to_other = received.iter().find(|it| told_of(it) == ["c@y"]).unwrap();
    assert_eq!(to_other.recipient_texts(), ["other@x"]);
    let of_id = received.iter().find(|it| told_of(it) == ["d@y"]).unwrap();
    assert!(of_id.text().contains("Original-Envelope-Id: QQ314159"));
}

/// If only the answer of the commit is lost, if the commit fails, and if its caller is dropped.
#[tokio::test(start_paused = true)]
async fn nobody_is_told_twice_when_a_commit_fails() {
    for fault in ["unanswered", "failed", "panicking", "none"] {
        let up = Script::new();
        let backend = Failing::default();
        let agent = Agent::on(backend.clone(), upstream(refusing(), &up)).await;
        let faults = match fault {
            "unanswered" => Some(&backend.unanswered_settlements),
            "failed" => Some(&backend.failed_settlements),
            "panicking" => Some(&backend.panicking_settlements),
            _ => None,
        };
        if let Some(faults) = faults {
            faults.store(1, Ordering::Relaxed);
        }
        insert(&agent, legs(&agent, &["b@y", "c@z", "d@w"], Work::Notify)).await;
        let dispatching = agent.dispatch();
        is_over(&agent, 4).await;
        dispatching.stop().await;
        assert_eq!(all_told_of(&up), [["b@y", "c@z", "d@w"]], "{fault}");
    }
}

/// The agent stops while the commit is made, which goes on.
#[tokio::test(start_paused = true)]
async fn nobody_is_told_twice_over_a_stop() {
    let up = Script::new();
    let backend = Failing::default();
    let agent = Agent::on(backend.clone(), upstream(refusing(), &up)).await;
    insert(&agent, legs(&agent, &["b@y", "c@z"], Work::Notify)).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    let dispatching = agent.dispatch();
    sleep(SLOW / 2).await;
    assert_eq!(agent.storage.backend().census().await.unwrap().leased, 2);
    dispatching.abort().await;
    until(|| async { agent.census().await.finished == 2 }).await;
    let dispatching = agent.dispatch();
    is_over(&agent, 3).await;
    dispatching.stop().await;
    assert_eq!(all_told_of(&up), [["b@y", "c@z"]]);
}

/// The process ends before the commit of all of them: each may have caused the crash, and goes alone.
#[tokio::test(start_paused = true)]
async fn nobody_is_told_twice_over_a_crash() {
    let up = Script::new();
    let shared = MemoryBackend::new();
    let agent = Agent::on(shared.another_process(), upstream(refusing(), &up)).await;
    insert(&agent, legs(&agent, &["b@y", "c@z"], Work::Notify)).await;
    drop(agent);
    let crashed = shared.another_process();
    let session = SessionId::random();
    let now = TokioClock::default().now();
    crashed.open_session(session, now).await.unwrap();
    let leased = crashed.lease_due(session, now, Standing::Clear, 9, &[]);
    assert_eq!(leased.await.unwrap().len(), 2);
    drop(crashed);
    let agent = Agent::on(shared, upstream(refusing(), &up)).await;
    let dispatching = agent.dispatch();
    is_over(&agent, 4).await;
    dispatching.stop().await;
    let mut told = all_told_of(&up);
    told.sort_unstable();
    assert_eq!(told, [["b@y"], ["c@z"]]);
}

/// Each of them has an event that names the notification.
#[tokio::test(start_paused = true)]
async fn readers_of_events_hear_of_each() {
    use koukan_core::storage::{EventQuery, record::EventKind};
    let up = Script::new();
    let backend = MemoryBackend::new().with_events(100);
    let agent = Agent::on(backend, upstream(refusing(), &up)).await;
    insert(&agent, legs(&agent, &["b@y", "c@z"], Work::Notify)).await;
    let dispatching = agent.dispatch();
    is_over(&agent, 3).await;
    dispatching.stop().await;
    let query = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    let page = agent.storage.backend().events(query).await.unwrap();
    let bounced = page.events.iter().map(|kept| &kept.event);
    let bounced: Vec<_> = bounced
        .filter(|event| event.kind == EventKind::Bounced)
        .collect();
    assert_eq!(bounced.len(), 2);
    assert!(bounced[0].transaction != bounced[1].transaction);
    assert!(bounced[0].notification.is_some());
    assert_eq!(bounced[0].notification, bounced[1].notification);
    assert!(bounced.iter().all(|event| event.end.is_some()));
}
