//! Events that one process writes and another learns of.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/listening.rs"]
mod listening;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use koukan_core::storage::{Queue, Records};
use koukan_storage::{PostgresBackend, PostgresOptions};

use self::{
    listening::{LISTENING, await_listeners, hear, hear_until},
    postgres::{database, execute},
    support::transaction,
};

async fn open(url: &str) -> PostgresBackend {
    let options = PostgresOptions::new(url).unwrap();
    let options = options.with_events(true).with_connections(4);
    PostgresBackend::open(options).await.unwrap()
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
    hear_until(&mut own, 6).await;
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
