//! Events that one process writes and another learns of.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::time::Duration;

use koukan_core::storage::{Queue, Records};
use koukan_storage::{PostgresBackend, PostgresOptions};
use tokio::{sync::watch, time::timeout};

use self::{
    postgres::{database, execute},
    support::transaction,
};

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(60);
const LISTENING: &str = "FROM pg_stat_activity WHERE datname = current_database() \
    AND state = 'idle' AND query LIKE 'LISTEN%'";

async fn open(url: &str) -> PostgresBackend {
    let options = PostgresOptions::new(url).unwrap();
    let options = options.with_events(true).with_connections(4);
    PostgresBackend::open(options).await.unwrap()
}

/// Waits until `count` connections listen.
async fn await_listeners(url: &str, count: u32) {
    let listening = async || {
        let url = url.to_owned();
        let ask = move || execute(&url, &format!("SELECT count(*) {LISTENING}"));
        tokio::task::spawn_blocking(ask).await.unwrap()
    };
    timeout(LONG, async {
        while listening().await.trim() != count.to_string() {}
    })
    .await
    .unwrap();
}

async fn hear(events: &mut watch::Receiver<u64>) {
    timeout(LONG, events.changed()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_another_process_are_heard_of() {
    let url = database();
    let (one, other) = (open(&url).await, open(&url).await);
    let mut own = one.events_written().unwrap();
    let mut others = other.events_written().unwrap();
    await_listeners(&url, 2).await;
    // One may be the notification at the start of listening.
    for _ in 0..4 {
        others.mark_unchanged();
        one.insert(transaction(1)).await.unwrap();
        hear(&mut others).await;
    }
    other.insert(transaction(1)).await.unwrap();
    // One for the start, and one for each event.
    timeout(LONG, own.wait_for(|written| *written >= 6))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(*own.borrow(), 6, "its own are not told twice");
    one.close().await;
    other.close().await;
    await_listeners(&url, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_is_lost_comes_back() {
    let url = database();
    let (one, other) = (open(&url).await, open(&url).await);
    let mut others = other.events_written().unwrap();
    await_listeners(&url, 2).await;
    execute(
        &url,
        &format!("SELECT pg_terminate_backend(pid) {LISTENING}"),
    );
    others.mark_unchanged();
    one.insert(transaction(1)).await.unwrap();
    hear(&mut others).await;
    await_listeners(&url, 2).await;
    for _ in 0..4 {
        others.mark_unchanged();
        one.insert(transaction(1)).await.unwrap();
        hear(&mut others).await;
    }
    drop(others);
    // The same without closing it.
    drop((one, other));
    await_listeners(&url, 0).await;
}
