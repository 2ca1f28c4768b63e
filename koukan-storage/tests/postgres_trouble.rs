//! Failures of a PostgreSQL database, from the start or in between.
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
use koukan_core::storage::{BackendError, Queue, Records, Sessions, record::SessionId};
use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions};
use tokio::time::Instant;

use self::{
    locking::Locking,
    postgres::{Durability, Server, database, execute},
    support::{now, transaction},
    wire::{Passage, Wire},
};

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap().with_connections(4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_may_make_the_tables_at_the_same_time() {
    let url = database();
    let opened = join_all((0..6).map(|_| PostgresBackend::open(options(&url)))).await;
    for opened in opened {
        opened.unwrap().close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_a_newer_version_is_refused() {
    let url = database();
    PostgresBackend::open(options(&url))
        .await
        .unwrap()
        .close()
        .await;
    execute(
        &url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, '', 0)",
    );
    let refused = PostgresBackend::open(options(&url)).await.unwrap_err();
    let is_newer = matches!(refused, PostgresError::UnknownSchema { version: 9999, .. });
    assert!(is_newer, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_database_alone_keeps_others_from_it() {
    let url = database();
    let alone = || {
        options(&url)
            .alone()
            .with_lock_timeout(Duration::from_millis(200))
    };
    let first = PostgresBackend::open(alone()).await.unwrap();
    let others = options(&url).with_lock_timeout(Duration::from_millis(200));
    for refused in [alone(), others] {
        let refused = PostgresBackend::open(refused).await.unwrap_err();
        assert!(
            matches!(refused, PostgresError::InUse { .. }),
            "{refused:?}"
        );
    }
    first.close().await;
    PostgresBackend::open(alone()).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_database_alone_does_not_keep_itself_from_it() {
    let url = database();
    let backend = PostgresBackend::open(options(&url).alone()).await.unwrap();
    // The server reports it once, and continues to hold the connection's locks.
    execute(
        &url,
        "CREATE SEQUENCE tries; \
         CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('tries') = 1 THEN RAISE 'it only reads' USING ERRCODE = '25006'; END IF; \
         RETURN NEW; END $$; \
         CREATE TRIGGER refused_once BEFORE INSERT ON transactions \
         FOR EACH ROW EXECUTE FUNCTION refuse_once()",
    );
    backend.insert(transaction(10)).await.unwrap();
    let tries = execute(&url, "SELECT last_value FROM tries");
    assert_eq!(tries.trim(), "2");
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_cannot_be_written_is_an_error_as_any() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    // A sequence counts rolled-back inserts, too.
    execute(
        &url,
        "CREATE SEQUENCE tries; \
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM nextval('tries'); RAISE 'no room' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER refused BEFORE INSERT ON commits FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    let connections = "SELECT array_agg(pid ORDER BY pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let before = execute(&url, connections);
    let refused = backend.insert(transaction(10)).await.unwrap_err();
    assert!(matches!(refused, BackendError::Full(_)), "{refused:?}");
    let tries = execute(&url, "SELECT last_value FROM tries");
    assert_eq!(tries.trim(), "2", "in its batch, and by itself");
    assert_eq!(execute(&url, connections), before, "none is made anew");
    execute(&url, "DROP TRIGGER refused ON commits");
    backend.probe().await.unwrap();
    backend.insert(transaction(10)).await.unwrap();
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told_of() {
    let url = "postgres://koukan@%2Fnowhere/koukan";
    let limit = Duration::from_millis(300);
    let opening = PostgresBackend::open(options(url).with_patience(limit));
    let refused = opening.await.unwrap_err();
    assert!(
        matches!(refused, PostgresError::Unreachable { .. }),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_later_is_waited_for() {
    let mut server = Server::start(Durability::None);
    let url = server.database();
    server.crash();
    let limit = Duration::from_secs(300);
    let opening = PostgresBackend::open(options(&url).with_patience(limit));
    let opening = tokio::spawn(opening);
    let starting = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    let opened = opening.await.unwrap().unwrap();
    opened.insert(transaction(10)).await.unwrap();
    opened.close().await;
    drop(starting.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_not_waited_for() {
    let url = database();
    let (server, _) = url.rsplit_once('/').unwrap();
    let limit = Duration::from_secs(3600);
    let options = options(&format!("{server}/nobodys")).with_patience(limit);
    let refused = PostgresBackend::open(options).await.unwrap_err();
    let is_told = matches!(refused, PostgresError::Unreachable { .. });
    assert!(is_told, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_ended_cost_nothing_that_was_acknowledged() {
    let url = database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let ending = tokio::task::spawn_blocking({
        let url = url.clone();
        move || {
            for _ in 0..5 {
                execute(
                    &url,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                );
            }
        }
    });
    let mut ids = Vec::new();
    while !ending.is_finished() || ids.len() < 100 {
        let new: Vec<_> = (0..10).map(|_| transaction(100)).collect();
        ids.extend(new.iter().map(|new| new.id));
        for inserted in join_all(new.into_iter().map(|new| backend.insert(new))).await {
            inserted.unwrap();
        }
    }
    ending.await.unwrap();
    for id in &ids {
        assert!(backend.find(*id).await.unwrap().is_some());
    }
    let count = execute(&url, "SELECT count(*) FROM transactions");
    assert_eq!(count.trim(), ids.len().to_string(), "none is there twice");
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_survives_a_crash_of_the_server() {
    let mut server = Server::start(Durability::Full);
    let url = server.database();
    let backend = PostgresBackend::open(options(&url)).await.unwrap();
    let before = transaction(300_000);
    backend.insert(before.clone()).await.unwrap();
    server.crash();
    let meanwhile = transaction(100);
    let inserting = tokio::spawn({
        let (backend, new) = (backend.clone(), meanwhile.clone());
        async move { backend.insert(new).await }
    });
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    let _server = server.await.unwrap();
    inserting.await.unwrap().unwrap();
    for id in [before.id, meanwhile.id] {
        assert!(backend.find(id).await.unwrap().is_some());
    }
    backend.probe().await.unwrap();
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_a_failover_has_lost_is_not_taken_for_made() {
    let mut server = Server::start(Durability::Full);
    let url = server.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    let wire = Wire::lay(server.socket()).await;
    let backend = PostgresBackend::open(options(&wire.url(&name)));
    let backend = backend.await.unwrap();
    // The standby has what was written so far, and nothing later.
    let other = server.standby();
    other.promote();
    server.hold_commits();
    let new = transaction(100);
    let inserting = tokio::spawn({
        let (backend, new) = (backend.clone(), new.clone());
        async move { backend.insert(new).await }
    });
    let _running = tokio::task::spawn_blocking(move || {
        server.await_held_commit();
        // The standby has given that transaction's number to another transaction.
        other.execute(
            &name,
            "DO $$ BEGIN FOR i IN 1..300 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
        );
        server.crash();
        wire.switch(other.socket());
        (server, other, wire)
    })
    .await
    .unwrap();
    let inserted = inserting.await.unwrap();
    let found = backend.find(new.id).await.unwrap();
    assert_eq!(inserted.is_ok(), found.is_some(), "{inserted:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_found() {
    let server = Server::start(Durability::None);
    let url = server.database();
    let name = url.rsplit('/').next().unwrap();
    let wire = Wire::lay(server.socket()).await;
    let backend = PostgresBackend::open(options(&wire.url(name)));
    let backend = backend.await.unwrap();
    backend.insert(transaction(10)).await.unwrap();
    // Reports each commit, from within the commit.
    server.execute(
        name,
        "CREATE TABLE told (n INT); CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON transactions DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION tell()",
    );
    for cut in [Passage::Closed, Passage::Open] {
        let new = transaction(100);
        let holder = url.clone();
        let holding = std::thread::spawn(move || {
            execute(
                &holder,
                "SELECT pg_advisory_lock(7); SELECT pg_sleep(0.5); SELECT pg_advisory_unlock(7)",
            )
        });
        let locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7";
        while !holding.is_finished()
            && execute(&url, &format!("{locked} AND granted")).trim() == "0"
        {
            tokio::task::yield_now().await;
        }
        let inserting = tokio::spawn({
            let (backend, new) = (backend.clone(), new.clone());
            async move { backend.insert(new).await }
        });
        while !holding.is_finished()
            && execute(&url, &format!("{locked} AND NOT granted")).trim() == "0"
        {
            tokio::task::yield_now().await;
        }
        // The commit is made, but its answer is lost.
        if cut == Passage::Closed {
            wire.set(Passage::Closed);
            wire.set(Passage::Open);
        }
        inserting.await.unwrap().unwrap();
        holding.join().unwrap();
        let count = "SELECT count(*) FROM transactions WHERE id = ";
        let count = execute(&url, &format!("{count}'{}'", new.id));
        assert_eq!(count.trim(), "1");
    }
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_is_an_error_in_time() {
    let mut server = Server::start(Durability::None);
    let patience = Duration::from_millis(300);
    let options = options(&server.database()).with_patience(patience);
    let backend = PostgresBackend::open(options).await.unwrap();
    server.crash();
    let refused = backend.insert(transaction(10)).await;
    assert!(
        matches!(refused, Err(BackendError::Failed(_))),
        "{refused:?}"
    );
    assert!(backend.probe().await.is_err());
    assert!(backend.census().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_is_waited_for_once() {
    let url = database();
    let patience = Duration::from_secs(2);
    let options = options(&url).with_patience(patience);
    let backend = PostgresBackend::open(options).await.unwrap();
    // Together they fail because of one of them; alone, each fails because of the connection.
    execute(
        &url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF (SELECT count(*) FROM new) > 1 THEN RAISE 'no'; END IF; \
         RAISE 'it only reads' USING ERRCODE = '25006'; END $$; \
         CREATE TRIGGER refused AFTER INSERT ON transactions REFERENCING NEW TABLE AS new \
         FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
    );
    let begun = Instant::now();
    let refused = join_all((0..40).map(|_| backend.insert(transaction(10)))).await;
    assert!(refused.iter().all(Result::is_err));
    assert!(begun.elapsed() < patience * 20, "{:?}", begun.elapsed());
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_nobody_waits_for_keeps_no_connection() {
    let url = database();
    let limit = Duration::from_secs(120);
    let options = options(&url)
        .with_lock_timeout(limit)
        .with_statement_timeout(limit)
        // One of them reads.
        .with_connections(2);
    let backend = PostgresBackend::open(options).await.unwrap();
    let locking = Locking::of(&url, "suspensions").await;
    let reading = tokio::spawn({
        let backend = backend.clone();
        async move { backend.suspensions().await }
    });
    locking.until_waited_for().await;
    reading.abort();
    backend.cursor("other").await.unwrap();
    locking.end().await;
    backend.close().await;
}
