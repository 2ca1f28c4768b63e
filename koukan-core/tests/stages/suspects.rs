//! After a crash, what was under lease is attempted alone.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use koukan_core::{
    clock::Clock,
    reply::Rejection,
    storage::{
        MemoryBackend, Queue, Sessions,
        record::{SessionId, Standing},
    },
    test_util::{ManualClock, TokioClock},
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

/// A process that took all under lease and crashed.
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
    // What waits for room can be cancelled, and is given to others: nobody holds it.
    assert_eq!(agent.census().await.leased, 8);
}

/// Runs a process that is killed when it begins to work on `crash@y`; tells whether it was.
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
    // One crash there was; five more after it, each within seconds.
    let mut crashes = 1;
    for number in 1..=5 {
        crashes += u32::from(process(&backend, number, &delivered));
    }
    assert_eq!(crashes, 5, "the fifth is the last for a while");
    let mut all = delivered.all();
    all.sort();
    assert_eq!(all, recipients[..7], "others were held up");
}
