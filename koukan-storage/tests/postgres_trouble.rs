//! What may be wrong with a PostgreSQL database, or go wrong with it.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use koukan_core::storage::{
    BackendError, EventQuery, Queue, Records, Sessions,
    record::{SessionId, Standing},
};
use koukan_storage::{PostgresBackend, PostgresError, PostgresOptions};
use tokio::time::Instant;

use self::{
    postgres::{Durability, Server, database, execute},
    support::{now, transaction},
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
    // The server says so once, and goes on to hold what the connection has locked.
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
async fn a_server_that_is_not_there_is_told_of() {
    let url = "postgres://koukan@%2Fnowhere/koukan";
    let refused = PostgresBackend::open(options(url)).await.unwrap_err();
    assert!(
        matches!(refused, PostgresError::Unreachable { .. }),
        "{refused:?}"
    );
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
        // Others wait for the lock, who have read by then who lives.
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
async fn a_server_that_goes_is_waited_for_once() {
    let url = database();
    let patience = Duration::from_secs(2);
    let options = options(&url).with_patience(patience);
    let backend = PostgresBackend::open(options).await.unwrap();
    // Together they fail for their own sake, and each for that of the connection.
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
    // One of them reads.
    let backend = PostgresBackend::open(options(&url).with_connections(2));
    let backend = backend.await.unwrap();
    let locking = tokio::task::spawn_blocking({
        let url = url.clone();
        let sql = "BEGIN; LOCK TABLE suspensions IN ACCESS EXCLUSIVE MODE; \
             DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM cursors) \
             LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT";
        move || execute(&url, sql)
    });
    let until_locks = async |which: &str, is_granted| {
        let sql = format!(
            "SELECT count(*) FROM pg_locks WHERE relation = 'suspensions'::regclass \
             AND mode = '{which}' AND granted = {is_granted}"
        );
        while execute(&url, &sql).trim() == "0" {
            tokio::task::yield_now().await;
        }
    };
    until_locks("AccessExclusiveLock", true).await;
    let reading = tokio::spawn({
        let backend = backend.clone();
        async move { backend.suspensions().await }
    });
    until_locks("AccessShareLock", false).await;
    reading.abort();
    backend.cursor("other").await.unwrap();
    backend.keep_cursor("done", 1).await.unwrap();
    locking.await.unwrap();
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
