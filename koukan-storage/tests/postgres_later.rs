//! A database whose schema was updated by a newer version while this one runs.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    storage::{
        Blobs, EventQuery, Listing, Queue, Records, Retention, Search, Sessions,
        record::{
            Attempt, Due, FinalReason, NewTransaction, SessionId, Settlement, Standing, Status,
            Work,
        },
    },
};
use koukan_storage::{PostgresBackend, PostgresOptions};

use self::{
    postgres::{database, execute},
    support::{now, transaction},
};

/// Additions that must not disturb programs that do not know them: columns in every table, tables, indices.
const ADDED: &str = "DO $$ DECLARE known TEXT; BEGIN \
    FOR known IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() \
    AND tablename <> '_sqlx_migrations' LOOP \
    EXECUTE format('ALTER TABLE %I ADD COLUMN later TEXT', known); \
    EXECUTE format('ALTER TABLE %I ADD COLUMN latest BIGINT NOT NULL DEFAULT 7', known); \
    END LOOP; END $$; \
    CREATE TABLE others (id BIGINT PRIMARY KEY); \
    CREATE INDEX transactions_later ON transactions (later, created); \
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
    VALUES (9999, 'later', TRUE, '', 0)";

/// Everything that happens to a message, and everything that is read.
async fn work(backend: &PostgresBackend, session: SessionId) {
    for octets in [10, 20] {
        backend.insert(transaction(octets)).await.unwrap();
    }
    backend.summarise(vec![summary()]).await.unwrap();
    let leased = backend.lease_due(session, now(), Standing::Clear, 9, &[]);
    let leased = leased.await.unwrap();
    assert_eq!(leased.len(), 2);
    for (leased, is_last) in leased.into_iter().zip([false, true]) {
        let status = match is_last {
            true => Status::Final(FinalReason::Delivered),
            false => Status::Due(Due {
                at: now() + Duration::from_secs(3600),
                work: Work::Attempt,
            }),
        };
        let id = leased.transaction.id;
        let end = Settlement {
            id,
            session,
            fence: leased.fence,
            attempt: Some(attempt()),
            recipients: leased.transaction.recipients,
            status,
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        };
        backend.settle(end).await.unwrap();
        assert_eq!(backend.attempts(id).await.unwrap().len(), 1);
        let found = backend.find(id).await.unwrap().unwrap();
        assert!(found.last_attempt.is_some());
        let body = found.body.unwrap();
        assert_eq!(
            backend.read_blob(body.blob, 0).await.unwrap().len() as u64,
            body.len
        );
        if !is_last {
            let again = backend.lease(id, session, None).await.unwrap().unwrap();
            backend.release(id, session, again.fence).await.unwrap();
            backend.request_cancel(id).await.unwrap();
        }
    }
    let listing = Listing {
        sender: None,
        state: None,
        search: Search::default(),
        before: None,
        limit: 99,
    };
    assert!(backend.list(listing).await.unwrap().len() >= 3);
    let depth = backend.depth(now()).await.unwrap().unwrap();
    assert!(depth.later > 0);
    backend.census().await.unwrap();
    backend.destinations(None, now(), 9).await.unwrap();
    let refreshed = backend.refresh_session(session, now()).await.unwrap();
    assert!(!refreshed.to_cancel.is_empty());
    let events = EventQuery {
        limit: 99,
        ..EventQuery::default()
    };
    backend.events(events).await.unwrap();
    let gone = backend.collect_garbage(
        now() + Duration::from_secs(1),
        Retention::default()
            .with_finished(Duration::ZERO)
            .with_orphaned(Duration::ZERO),
    );
    assert!(gone.await.unwrap().transactions > 0);
}

fn attempt() -> Attempt {
    Attempt {
        started: now(),
        ended: now(),
        mail_reply: None,
        recipient_replies: Vec::new(),
        final_reply: Reply::service_closing(),
        final_replies: Vec::new(),
        remote: None,
        shown: None,
        tls: None,
        conversation: None,
        suppresses: Vec::new(),
    }
}

/// A message that was delivered at once.
fn summary() -> NewTransaction {
    let mut new = transaction(10);
    new.status = Status::Final(FinalReason::Delivered);
    new.attempts = vec![attempt()];
    new.body = None;
    new
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_goes_on_over_what_a_newer_version_adds() {
    let url = database();
    let options = PostgresOptions::new(&url).unwrap();
    let options = options.with_connections(4).with_events(true);
    let backend = PostgresBackend::open(options).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    // Statements that were prepared before still work.
    work(&backend, session).await;
    execute(&url, ADDED);
    for _ in 0..2 {
        work(&backend, session).await;
    }
    // The writes of this version do not remove what was added.
    let added = execute(&url, "SELECT count(*) FROM transactions WHERE latest <> 7");
    assert_eq!(added.trim(), "0");
    backend.close().await;
}
