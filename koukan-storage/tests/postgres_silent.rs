//! A PostgreSQL server that accepts connections and falls silent, or to which some connections are dead: nothing is refused,
//! and nothing is reset.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/locking.rs"]
mod locking;
#[path = "support/postgres.rs"]
mod postgres;
mod support;
#[path = "support/wire.rs"]
mod wire;

use std::time::Duration;

use futures_util::future::join_all;
use koukan_core::storage::{Queue, Records, Sessions};
use koukan_storage::{PostgresBackend, PostgresOptions};
use tokio::time::Instant;

use self::{
    locking::Locking,
    postgres::{Durability, Server, execute},
    support::transaction,
    wire::{Passage, Wire},
};

/// How long operations are repeated. A statement may take 30 s.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same where there are tries over several connections.
const LONG_PATIENCE: Duration = Duration::from_secs(6);
/// What a few tries one after the other may take on a busy machine.
const IN_TIME: Duration = Duration::from_secs(15);

/// A server and a new database of it, by way of a wire: its own URL, the wire, and a backend.
async fn database(server: &Server, patience: Duration) -> (String, Wire, PostgresBackend) {
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let wire = Wire::lay(server.socket()).await;
    let options = PostgresOptions::new(&wire.url(name)).unwrap();
    let options = options.with_connections(4).with_patience(patience);
    let backend = PostgresBackend::open(options).await.unwrap();
    (url, wire, backend)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_is_told_in_time_over_every_connection_and_later_all_goes_on() {
    let server = Server::start(Durability::None);
    let (url, wire, backend) = database(&server, PATIENCE).await;
    let first = transaction(10);
    let id = first.id;
    backend.insert(first).await.unwrap();
    backend.find(id).await.unwrap();
    wire.set(Passage::Silent);
    for _ in 0..2 {
        let begun = Instant::now();
        let inserting = join_all((0..4).map(|_| backend.insert(transaction(10))));
        let finding = join_all((0..4).map(|_| backend.find(id)));
        let (inserted, found, probed) = tokio::join!(inserting, finding, backend.probe());
        assert!(inserted.iter().all(Result::is_err), "{inserted:?}");
        assert!(found.iter().all(Result::is_err), "{found:?}");
        assert!(probed.is_err());
        assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    }
    wire.set(Passage::Open);
    backend.insert(transaction(10)).await.unwrap();
    assert!(backend.find(id).await.unwrap().is_some());
    backend.probe().await.unwrap();
    let count = execute(&url, "SELECT count(*) FROM transactions");
    assert_eq!(count.trim(), "2", "what was refused is not there");
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_its_time_is_waited_for() {
    let server = Server::start(Durability::None);
    waits_for_a_lock(&server).await;
    // Also where its user has the rights of another one.
    let rights = "CREATE ROLE team SUPERUSER; ALTER ROLE koukan SET role = team";
    server.execute("postgres", rights);
    waits_for_a_lock(&server).await;
}

async fn waits_for_a_lock(server: &Server) {
    let (url, wire, backend) = database(server, PATIENCE).await;
    let locking = Locking::of(&url, "transactions").await;
    let inserting = tokio::spawn({
        let backend = backend.clone();
        async move { backend.insert(transaction(10)).await }
    });
    locking.until_waited_for().await;
    // It asks whether the server answers, and waits on, for longer than operations are repeated.
    wire.await_connections(3).await;
    assert!(!inserting.is_finished());
    locking.end().await;
    inserting.await.unwrap().unwrap();
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_not_answered_is_an_error_in_time_and_found_later() {
    let server = Server::start(Durability::Full);
    let (url, wire, backend) = database(&server, PATIENCE).await;
    server.hold_commits();
    let new = transaction(10);
    let id = new.id;
    let inserting = tokio::spawn({
        let backend = backend.clone();
        async move { backend.insert(new).await }
    });
    let server = tokio::task::spawn_blocking(move || {
        server.await_held_commit();
        server
    });
    let server = server.await.unwrap();
    wire.deafen();
    let begun = Instant::now();
    server.release_commits();
    inserting.await.unwrap().unwrap_err();
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    wire.set(Passage::Open);
    assert!(backend.find(id).await.unwrap().is_some());
    let count = execute(&url, "SELECT count(*) FROM transactions");
    assert_eq!(count.trim(), "1");
    backend.close().await;
}

/// Each commit, read and probe: where a connection is dead, the server still waits at its other end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_over_a_dead_connection_goes_on_over_another() {
    let server = Server::start(Durability::None);
    let (url, wire, backend) = database(&server, LONG_PATIENCE).await;
    let first = transaction(10);
    let id = first.id;
    backend.insert(first).await.unwrap();
    // The last connection is the one that reads.
    assert!(backend.find(id).await.unwrap().is_some());
    let reading = wire.accepted() - 1;
    wire.forget(reading..reading + 1);
    let begun = Instant::now();
    assert!(backend.find(id).await.unwrap().is_some());
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());

    // All of them are in use again.
    backend.insert(transaction(10)).await.unwrap();
    join_all((0..8).map(|_| backend.find(id))).await;
    wire.forget(0..wire.accepted());
    let begun = Instant::now();
    let new = transaction(10);
    let (inserted, found, probed) =
        tokio::join!(backend.insert(new), backend.find(id), backend.probe());
    inserted.unwrap();
    assert!(found.unwrap().is_some());
    probed.unwrap();
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());

    // Those that were not used since are not waited for.
    let begun = Instant::now();
    let inserting = join_all((0..8).map(|_| backend.insert(transaction(10))));
    let finding = join_all((0..8).map(|_| backend.find(id)));
    let (inserted, found) = tokio::join!(inserting, finding);
    assert!(inserted.iter().all(Result::is_ok), "{inserted:?}");
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert!(begun.elapsed() < LONG_PATIENCE / 2, "{:?}", begun.elapsed());
    let count = execute(&url, "SELECT count(*) FROM transactions");
    assert_eq!(count.trim(), "11");
    backend.close().await;
}

/// The mark of the commit tells that it was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_a_dead_connection_swallows_is_found() {
    let server = Server::start(Durability::Full);
    let (url, wire, backend) = database(&server, LONG_PATIENCE).await;
    server.hold_commits();
    let inserting = tokio::spawn({
        let backend = backend.clone();
        async move { backend.insert(transaction(10)).await }
    });
    let server = tokio::task::spawn_blocking(move || {
        server.await_held_commit();
        server
    });
    let server = server.await.unwrap();
    wire.forget(0..wire.accepted());
    let begun = Instant::now();
    server.release_commits();
    inserting.await.unwrap().unwrap();
    assert!(begun.elapsed() < IN_TIME, "{:?}", begun.elapsed());
    let count = execute(&url, "SELECT count(*) FROM transactions");
    assert_eq!(count.trim(), "1");
    backend.close().await;
}
