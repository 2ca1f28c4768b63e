//! Several processes that share a PostgreSQL database.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/locking.rs"]
mod locking;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use koukan_core::storage::{
    EventQuery, Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{PostgresBackend, PostgresOptions};
use tokio::time::timeout;

use self::{
    locking::Locking,
    postgres::{database, execute},
    support::{now, transaction},
};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap().with_connections(4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_while_others_look_for_the_dead_keeps_what_it_has() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    let looking = SessionId::random();
    backend.open_session(looking, now()).await.unwrap();
    let new = transaction(10);
    backend.insert(new.clone()).await.unwrap();
    let begun = SessionId::random();
    let beginning = tokio::task::spawn_blocking({
        let url = url.clone();
        // Others have read the list of live sessions by then, and wait for the lock.
        let sql = format!(
            "BEGIN; LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE; \
             DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM pg_locks \
             WHERE NOT granted AND relation = 'transactions'::regclass) \
             LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; \
             INSERT INTO sessions VALUES ('{begun}', clock_timestamp() + INTERVAL '1 hour'); \
             UPDATE transactions SET lease_session = '{begun}', lease_fence = 1; COMMIT"
        );
        move || execute(&url, &sql)
    });
    while !beginning.is_finished() {
        let refreshed = backend.refresh_session(looking, now()).await.unwrap();
        assert_eq!(refreshed.freed, 0);
    }
    beginning.await.unwrap();
    assert_eq!(backend.holder(new.id).await.unwrap(), Some(begun));
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_waits_for_a_commit_has_all_that_this_writes() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let new = transaction(10);
    backend.insert(new.clone()).await.unwrap();
    let (begun, has_begun) = (
        new.id,
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
    );
    let completing = tokio::task::spawn_blocking({
        let url = url.clone();
        // It commits once somebody waits for it.
        let sql = format!(
            "BEGIN; UPDATE transactions SET body_kind = 'message' WHERE id = '{begun}'; \
             INSERT INTO parts SELECT id, 0, 'part', blob_id, body_len FROM transactions; \
             SELECT pg_advisory_xact_lock(7); \
             DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM pg_locks \
             WHERE NOT granted AND locktype = 'transactionid') \
             LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT"
        );
        move || execute(&url, &sql)
    });
    while execute(&url, &format!("{has_begun} AND objid = 7")).trim() == "0" {
        tokio::task::yield_now().await;
    }
    let leased = backend.lease(new.id, session, None).await.unwrap().unwrap();
    completing.await.unwrap();
    let parts = leased.transaction.body.unwrap().parts;
    assert_eq!(parts.len(), 1);
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lives_on_while_all_writes_wait() {
    let url = database();
    let limit = Duration::from_secs(120);
    let options = options(&url)
        .with_lock_timeout(limit)
        .with_statement_timeout(limit)
        .with_session_term(limit);
    let backend = PostgresBackend::open(options).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let locking = Locking::of(&url, "blobs").await;
    let inserting: Vec<_> = (0..20)
        .map(|_| {
            let backend = backend.clone();
            tokio::spawn(async move { backend.insert(transaction(10)).await })
        })
        .collect();
    locking.until_waited_for().await;
    let refreshing = backend.refresh_session(session, now());
    let refreshed = timeout(limit / 2, refreshing).await;
    refreshed.expect("it waits for others").unwrap();
    locking.end().await;
    for inserted in inserting {
        inserted.await.unwrap().unwrap();
    }
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_events_is_told_of_those_of_others() {
    let url = database();
    let open = || PostgresBackend::open(options(&url).with_events(true));
    let (waiting, other) = (open().await.unwrap(), open().await.unwrap());
    let session = SessionId::random();
    waiting.open_session(session, now()).await.unwrap();
    let mut written = waiting.events_written().unwrap();
    for is_news in [true, false] {
        if is_news {
            other.insert(transaction(10)).await.unwrap();
        }
        waiting.refresh_session(session, now()).await.unwrap();
        assert_eq!(written.has_changed().unwrap(), is_news);
        written.mark_unchanged();
    }
    let all = EventQuery {
        limit: 10,
        ..EventQuery::default()
    };
    let page = waiting.events(all).await.unwrap();
    assert!(!page.events.is_empty());
    for backend in [waiting, other] {
        backend.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_lease_at_the_same_time_get_each_transaction_once() {
    let url = database();
    let opened = join_all((0..3).map(|_| PostgresBackend::open(options(&url)))).await;
    let backends: Vec<_> = opened
        .into_iter()
        .map(|one| Arc::new(one.unwrap()))
        .collect();
    let new = (0..300).map(|_| backends[0].insert(transaction(10)));
    for inserted in join_all(new).await {
        inserted.unwrap();
    }
    let leasing = backends.iter().map(|backend| async move {
        let session = SessionId::random();
        backend.open_session(session, now()).await.unwrap();
        let mut taken = Vec::new();
        loop {
            let due = backend.lease_due(session, now(), Standing::Clear, 7, &[]);
            let due = due.await.unwrap();
            if due.is_empty() {
                return taken;
            }
            taken.extend(due.into_iter().map(|leased| leased.transaction.id));
        }
    });
    let mut taken: Vec<_> = join_all(leasing).await.concat();
    assert_eq!(taken.len(), 300);
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 300, "one was given out twice");
}
