//! After a crash, transactions that were leased are attempted alone.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use koukan_core::{
    clock::Clock,
    reply::Rejection,
    resource::{Caller, QueueFilter, QueueList, QueueOperation, QueueRequest, QueueResponse, Role},
    stage::operator::Operator,
    storage::{
        Listing, MemoryBackend, Queue, Records, Search, Sessions,
        record::{QueueAction, SessionId, Standing},
    },
    test_util::{CapturedLog, ManualClock, TokioClock},
    transaction::{Rcpt, Transaction},
};
use tokio::sync::mpsc;
use tower::{ServiceExt, service_fn};

use crate::{
    agent::Agent,
    queued::{Log, queued, upstream},
};

fn start() -> Timestamp {
    ManualClock::default().now()
}

/// A process that leased everything and crashed.
async fn crash(backend: &MemoryBackend, recipients: &[&str]) {
    let process = backend.another_process();
    let session = SessionId::random();
    process.open_session(session, start()).await.unwrap();
    for to in recipients {
        process.insert(queued(to, start())).await.unwrap();
    }
    let leased = process.lease_due(session, start(), Standing::Clear, 100, &[]);
    assert_eq!(leased.await.unwrap().len(), recipients.len());
}

#[tokio::test(start_paused = true)]
async fn suspects_are_attempted_one_at_a_time_beside_the_rest() {
    let backend = MemoryBackend::new();
    crash(&backend, &["slow1@y", "slow2@y", "slow3@y"]).await;
    let (begun, delivered) = (Log::default(), Log::default());
    let upstream = upstream(begun.clone(), delivered.clone());
    let agent = Agent::on(backend.another_process(), upstream).await;
    for number in 0..5 {
        let fine = queued(&format!("fine{number}@y"), start());
        agent.storage.backend().insert(fine).await.unwrap();
    }
    let _dispatching = agent.dispatch();
    for done in 0..3 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(delivered.count("fine"), 5);
        assert_eq!(begun.count("slow"), done + 1, "not one at a time");
        assert_eq!(delivered.count("slow"), done);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(delivered.count("slow"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_suspect_that_hangs_does_not_hold_up_the_others_for_long() {
    let backend = MemoryBackend::new();
    let suspects: Vec<_> = (0..6).map(|number| format!("hung{number}@y")).collect();
    let suspects: Vec<_> = suspects.iter().map(String::as_str).collect();
    crash(&backend, &suspects).await;
    let begun = Log::default();
    let upstream = upstream(begun.clone(), Log::default());
    let agent = Agent::on(backend.another_process(), upstream).await;
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(begun.count("hung"), 1);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(begun.count("hung"), 6);
}

#[tokio::test(start_paused = true)]
async fn suspects_and_the_rest_share_the_room() {
    let backend = MemoryBackend::new();
    let suspects: Vec<_> = (0..8).map(|number| format!("hung{number}@y")).collect();
    let suspects: Vec<_> = suspects.iter().map(String::as_str).collect();
    crash(&backend, &suspects).await;
    let begun = Log::default();
    let upstream = upstream(begun.clone(), Log::default());
    let agent = Agent::on(backend.another_process(), upstream).await;
    for number in 0..8 {
        let other = queued(&format!("hung-too{number}@y"), start());
        agent.storage.backend().insert(other).await.unwrap();
    }
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(begun.count("hung"), 8, "as many as the dispatcher may");
    // A transaction that waits for room can be cancelled, and be leased by others: nobody holds it.
    assert_eq!(agent.census().await.leased, 8);
}

/// Runs a process that is killed when it begins to work on `crash@y`. Returns whether it was.
fn process(backend: &MemoryBackend, number: i64, delivered: &Log) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (crashes, mut crashed) = mpsc::channel(100);
        let inner = upstream(Log::default(), delivered.clone());
        let upstream = service_fn(move |tx: Transaction| {
            let (inner, crashes) = (inner.clone(), crashes.clone());
            async move {
                let tx = tx.filter_recipients(move |rcpt: &Rcpt| {
                    if rcpt.forward_path.as_str() == "crash@y" {
                        let _ = crashes.try_send(());
                    }
                    Ok::<_, Rejection>(())
                });
                inner.oneshot(tx).await
            }
        });
        let clock = TokioClock::starting_at(start() + SignedDuration::from_secs(number * 30));
        let process = backend.another_process();
        let agent = Agent::with_clock(process, upstream, Arc::new(clock)).await;
        let _dispatching = agent.dispatch();
        tokio::select! {
            _ = crashed.recv() => true,
            () = tokio::time::sleep(Duration::from_secs(30)) => false,
        }
    })
}

#[test]
fn the_one_that_crashes_waits_and_the_others_do_not() {
    let backend = MemoryBackend::new();
    let delivered = Log::default();
    let mut recipients: Vec<_> = (0..7).map(|number| format!("slow{number}@y")).collect();
    recipients.push("crash@y".into());
    let recipients: Vec<_> = recipients.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(crash(&backend, &recipients));
    // One crash happened; five more follow, each within seconds.
    let mut crashes = 1;
    for number in 1..=5 {
        crashes += u32::from(process(&backend, number, &delivered));
    }
    assert_eq!(crashes, 5, "the fifth is the last for a while");
    let mut all = delivered.all();
    all.sort();
    assert_eq!(all, recipients[..7], "others were held up");
}

/// The operator sees which one it is, and the log names it.
#[tokio::test(start_paused = true)]
async fn what_may_crash_the_process_is_named() {
    let log = CapturedLog::at(tracing::Level::WARN);
    let backend = MemoryBackend::new();
    crash(&backend, &["slow@y"]).await;
    let fine = queued("fine@y", start());
    backend.insert(fine).await.unwrap();
    let (begun, delivered) = (Log::default(), Log::default());
    let upstream = upstream(begun.clone(), delivered.clone());
    let agent = Agent::on(backend.another_process(), upstream).await;
    let crashes = async || {
        let operator = Operator::new(agent.storage.clone());
        let filter = QueueFilter {
            state: None,
            ..QueueFilter::default()
        };
        let request = QueueRequest {
            caller: Caller::unrestricted().with_role(Role::Operate),
            operation: QueueOperation::List(QueueList {
                filter,
                ..QueueList::default()
            }),
        };
        let QueueResponse::Listed(listed) = operator.oneshot(request).await.unwrap() else {
            panic!("no list");
        };
        let crashes = listed.transactions.iter().map(|one| {
            let to = &one.view.details.as_ref().unwrap().recipients[0].rcpt;
            (to.forward_path.as_str().to_owned(), one.crashes)
        });
        let mut crashes: Vec<_> = crashes.collect();
        crashes.sort();
        crashes
    };
    let [fine, slow] = ["fine@y", "slow@y"].map(str::to_owned);
    assert_eq!(crashes().await, [(fine.clone(), 0), (slow.clone(), 1)]);
    let _dispatching = agent.dispatch();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(delivered.all().len(), 2);
    // It was not that one.
    assert_eq!(crashes().await, [(fine, 0), (slow, 0)]);
    let line = log.only_line("is attempted alone");
    assert!(line.contains("crashes=1"), "{line}");
}

/// It may be held when the process begins, or wait because it was in many crashes: when an operator releases it, it
/// is attempted.
#[tokio::test(start_paused = true)]
async fn what_is_released_or_asked_for_is_attempted_at_once() {
    for (action, crashes) in [(QueueAction::Release, 1), (QueueAction::Retry, 6)] {
        let backend = MemoryBackend::new();
        crash(&backend, &["slow@y"]).await;
        for _ in 1..crashes {
            let process = backend.another_process();
            let session = SessionId::random();
            process.open_session(session, start()).await.unwrap();
            let late = start() + SignedDuration::from_hours(2);
            let leased = process.lease_due(session, late, Standing::Suspect, 1, &[]);
            assert_eq!(leased.await.unwrap().len(), 1);
        }
        let (begun, delivered) = (Log::default(), Log::default());
        let upstream = upstream(begun.clone(), delivered.clone());
        let agent = Agent::on(backend.another_process(), upstream).await;
        let listing = Listing {
            sender: None,
            state: None,
            search: Search::default(),
            before: None,
            limit: 1,
        };
        let id = backend.list(listing).await.unwrap()[0].id;
        let change = async |action| {
            let judged = agent.storage.change(vec![id], action, false).await.unwrap();
            assert_eq!(judged, [(id, Ok(1))]);
        };
        if action == QueueAction::Release {
            change(QueueAction::Hold).await;
        }
        let _dispatching = agent.dispatch();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(begun.count("slow"), 0, "{action:?}");
        change(action).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(delivered.count("slow"), 1, "{action:?}");
    }
}
