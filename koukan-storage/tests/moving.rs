//! A queue that moves from SQLite to PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{fs, path::Path, time::Duration};

use koukan_core::storage::{
    EventQuery, Queue, Records, Sessions, SuppressionLists,
    record::{SessionId, Standing, TransactionId},
};
use koukan_storage::{
    MigrationState, MoveError, Moved, OpenError, PostgresBackend, PostgresError, PostgresOptions,
    SqliteBackend, SqliteOptions,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};

use self::{
    postgres::{database, execute},
    support::{now, tamper, transaction, versions::of_version},
};

const TABLES: [&str; 10] = [
    "transactions",
    "parts",
    "attempts",
    "summaries",
    "blobs",
    "chunks",
    "events",
    "cursors",
    "suspensions",
    "suppressions",
];

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(url).unwrap().with_connections(4)
}

/// Repeats an operation until the source is free. A process that another test is just starting has inherited
/// the lock until it runs its own program.
async fn when_free(
    mut moving: impl AsyncFnMut() -> Result<Moved, MoveError>,
) -> Result<Moved, MoveError> {
    for _ in 0..100 {
        match moving().await {
            Err(MoveError::Source(OpenError::Locked { .. })) => {}
            moved => return moved,
        }
    }
    moving().await
}

/// The contents of a table: its rows as JSON, in any order.
fn rows_of_postgres(url: &str, table: &str) -> Vec<Value> {
    let rows = execute(url, &format!("SELECT to_jsonb(t) FROM {table} t"));
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap());
    let rows = rows.map(|row: Value| match row {
        Value::Object(mut columns) => {
            for value in columns.values_mut() {
                if let Value::Bool(truth) = value {
                    *value = json!(i32::from(*truth));
                }
            }
            // A request of another process, which SQLite does not have.
            columns.remove("is_to_cancel");
            Value::Object(columns)
        }
        row => row,
    });
    sorted(rows.collect())
}

async fn rows_of_sqlite(path: &Path, table: &str) -> Vec<Value> {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let texts = |sql: String| sqlx::query_scalar::<_, String>(AssertSqlSafe(sql));
    let columns = texts(format!("SELECT name FROM pragma_table_info('{table}')"));
    let columns = columns.fetch_all(&mut connection).await.unwrap();
    let columns = columns.iter().map(|name| {
        format!(
            "'{name}', CASE typeof({name}) WHEN 'blob' THEN '\\x' || lower(hex({name})) \
             ELSE {name} END"
        )
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let rows = texts(format!("SELECT json_object({columns}) FROM {table}"));
    let rows = rows.fetch_all(&mut connection).await.unwrap();
    sorted(
        rows.iter()
            .map(|row| serde_json::from_str(row).unwrap())
            .collect(),
    )
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}

/// A queue with something of each kind. Returns its ids; the second is leased by a process that has died, the last
/// is over.
async fn fill(path: &Path) -> [TransactionId; 4] {
    let options = SqliteOptions::new(path).with_events(true);
    let backend = SqliteBackend::open(options).await.unwrap();
    let session = SessionId::random();
    backend.open_session(session, now()).await.unwrap();
    let new = [3, 400_000, 0, 70_000].map(transaction);
    let ids = new.each_ref().map(|new| new.id);
    for new in new {
        backend.insert(new).await.unwrap();
    }
    backend.lease(ids[1], session, None).await.unwrap().unwrap();
    backend.keep_cursor("hook", 2).await.unwrap();
    backend.close().await;
    let over = ids[3];
    // Each column has a value once, and each text one that needs care.
    tamper(
        path,
        format!(
            r#"UPDATE transactions SET sender = 'submission', idempotency_key = 'a key',
                 request_digest = x'00ff5c', message_key = 'same', prefix = x'5c000a',
                 body_kind = 'parts', attempt_count = 2, attempted = 7,
                 last_reply = 'é \N ' || char(9, 10, 39, 0x1F600), crash_count = 1, due_at = NULL,
                 work = NULL, final_reason = 'failed', final_since = 8, held = 9, send_at = 10
             WHERE id = '{over}';
             INSERT INTO parts VALUES ('{over}', 0, 'a', 'part', 4);
             INSERT INTO attempts VALUES ('{over}', 1, 1, 2, 'mx.example', '192.0.2.1', '{{}}', '[]'),
                 ('{over}', 2, 3, 4, NULL, NULL, '{{}}', NULL);
             INSERT INTO summaries VALUES ('s', 1, 'submission', '{{}}', '{{}}', '[]', 1, '{{}}',
                 'delivered', 2, 'd', 'r', 'f', '250', '[]');
             INSERT INTO blobs VALUES ('draft', 0, 0, 5);
             INSERT INTO suspensions VALUES ('bad.example', 6, 'somebody');
             INSERT INTO suppressions VALUES ('submission', 'x@example.com', 1, 2, '550 no');
             DELETE FROM events WHERE number = 4;"#
        ),
    )
    .await;
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_moves() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let ids = fill(&path).await;
    let (from, url) = (SqliteOptions::new(&path), database());
    let to = options(&url);
    let expected = when_free(async || from.would_move_to(&to).await)
        .await
        .unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(execute(&url, tables).trim(), "0", "it was only looked at");
    let moved = when_free(async || from.move_to(&to).await).await.unwrap();
    assert_eq!(moved, expected);
    assert_eq!((moved.unfinished, moved.last_event), (3, 4));
    assert_eq!(moved.rows.len(), TABLES.len());
    for (table, count) in &moved.rows {
        let (before, after) = (
            rows_of_sqlite(&path, table).await,
            rows_of_postgres(&url, table),
        );
        assert!(
            !before.is_empty() && *count == before.len() as u64,
            "{table}"
        );
        assert!(before == after, "{table}: {before:?} {after:?}");
    }

    let source = SqliteBackend::open_read_only(&path).await.unwrap();
    let backend = PostgresBackend::open(options(&url).with_events(true))
        .await
        .unwrap();
    for id in &ids[..3] {
        let (before, after) = (
            source.find(*id).await.unwrap(),
            backend.find(*id).await.unwrap(),
        );
        assert!(before.is_some());
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
    source.close().await;
    assert_eq!(backend.suppressions().await.unwrap().len(), 1);
    assert_eq!(backend.suspensions().await.unwrap().len(), 1);
    assert_eq!(backend.cursor("hook").await.unwrap(), Some(2));
    // The lease of the process before is free again.
    let session = SessionId::random();
    let recovered = backend.open_session(session, now()).await.unwrap();
    assert_eq!(recovered.freed, 1);
    let due = backend.lease_due(session, now(), Standing::Clear, 9, &[]);
    let due: Vec<_> = due.await.unwrap();
    assert_eq!(due.len(), 2, "what was under lease is suspect now");
    // The number of a removed event is never used again.
    backend.insert(transaction(1)).await.unwrap();
    let query = EventQuery {
        limit: 9,
        ..EventQuery::default()
    };
    let page = backend.events(query).await.unwrap();
    let numbers: Vec<_> = page.events.iter().map(|event| event.number).collect();
    assert_eq!(numbers, [1, 2, 3, 5]);
    backend.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_refused_where_it_would_do_harm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let (from, url) = (SqliteOptions::new(&path), database());
    let to = options(&url);
    let refused = from.move_to(&to).await.unwrap_err();
    let is_missing = matches!(refused, MoveError::Source(OpenError::Missing { .. }));
    assert!(is_missing, "{refused:?}");
    of_version(&path, 8).await;
    let refused = when_free(async || from.move_to(&to).await)
        .await
        .unwrap_err();
    let is_old = matches!(refused, MoveError::Source(OpenError::OldSchema { .. }));
    assert!(is_old, "{refused:?}");

    // An agent runs on the source.
    let agent = SqliteBackend::open(&path).await.unwrap();
    for refused in [from.would_move_to(&to).await, from.move_to(&to).await] {
        let refused = refused.unwrap_err();
        let is_locked = matches!(refused, MoveError::Source(OpenError::Locked { .. }));
        assert!(is_locked, "{refused:?}");
    }
    agent.close().await;

    // One runs on the target.
    let agent = PostgresBackend::open(to.clone()).await.unwrap();
    let hasty = to.clone().with_lock_timeout(Duration::from_millis(200));
    for refused in [
        when_free(async || from.would_move_to(&hasty).await).await,
        when_free(async || from.move_to(&hasty).await).await,
    ] {
        let refused = refused.unwrap_err();
        let is_in_use = matches!(refused, MoveError::Target(PostgresError::InUse { .. }));
        assert!(is_in_use, "{refused:?}");
    }
    agent.insert(transaction(1)).await.unwrap();
    agent.close().await;
    for refused in [
        when_free(async || from.would_move_to(&to).await).await,
        when_free(async || from.move_to(&to).await).await,
    ] {
        let refused = refused.unwrap_err();
        let table = match refused {
            MoveError::NotEmpty { table, .. } => table,
            refused => panic!("{refused:?}"),
        };
        assert_eq!(table, "transactions");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_whose_log_is_damaged_is_not_moved() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let log = directory.path().join("queue.sqlite-wal");
    let agent = SqliteBackend::open(&path).await.unwrap();
    for _ in 0..12 {
        agent.insert(transaction(20_000)).await.unwrap();
    }
    let (whole, mut damaged) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    agent.close().await;
    damaged[30_000..32_000].fill(0xa5);
    fs::write(&path, whole).unwrap();
    fs::write(&log, &damaged).unwrap();
    let (from, to) = (SqliteOptions::new(&path), options(&database()));
    for refused in [
        when_free(async || from.would_move_to(&to).await).await,
        when_free(async || from.move_to(&to).await).await,
    ] {
        let refused = refused.unwrap_err();
        let is_told = matches!(refused, MoveError::Source(OpenError::DamagedLog { .. }));
        assert!(is_told, "{refused:?}");
    }
    assert!(fs::read(&log).unwrap() == damaged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_on_the_way_leaves_nothing_and_may_be_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    fill(&path).await;
    let (from, url) = (SqliteOptions::new(&path), database());
    let to = options(&url);
    to.migrate().await.unwrap();
    execute(
        &url,
        "ALTER TABLE suppressions ADD CONSTRAINT never CHECK (reason = '')",
    );
    let refused = when_free(async || from.move_to(&to).await)
        .await
        .unwrap_err();
    let is_of_that =
        matches!(&refused, MoveError::NotWritten { table, .. } if *table == "suppressions");
    assert!(is_of_that, "{refused:?}");
    for table in TABLES {
        assert!(rows_of_postgres(&url, table).is_empty(), "{table}");
    }
    execute(&url, "ALTER TABLE suppressions DROP CONSTRAINT never");
    when_free(async || from.move_to(&to).await).await.unwrap();
    let refused = when_free(async || from.move_to(&to).await).await;
    assert!(matches!(refused, Err(MoveError::NotEmpty { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_is_shown_and_brought_up_to_date() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("queue.sqlite");
    let sqlite = SqliteOptions::new(&path);
    assert_eq!(sqlite.schema().await.unwrap().version(), None);
    assert!(!path.exists(), "it was only looked at");
    of_version(&path, 8).await;
    let before = sqlite.schema().await.unwrap();
    assert_eq!(before.version(), Some(8));
    assert_eq!(before.pending().next().unwrap().version, 9);
    sqlite.migrate().await.unwrap();
    let after = sqlite.schema().await.unwrap();
    assert_eq!(after.pending().count(), 0);
    assert!(after.is_known() && after.version() > Some(8));
    tamper(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await;
    let newer = sqlite.schema().await.unwrap();
    assert_eq!(newer.version(), Some(9999));
    let last = newer.migrations.last().unwrap();
    assert_eq!(
        (&*last.name, last.state),
        ("later", MigrationState::Unknown)
    );
    let refused = sqlite.migrate().await.unwrap_err();
    let is_newer = matches!(refused, OpenError::UnknownSchema { version: 9999, .. });
    assert!(is_newer, "{refused:?}");

    let url = database();
    let postgres = options(&url);
    let before = postgres.schema().await.unwrap();
    assert_eq!(
        (before.version(), before.pending().count()),
        (None, before.migrations.len())
    );
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(execute(&url, tables).trim(), "0", "it was only looked at");
    postgres.migrate().await.unwrap();
    let after = postgres.schema().await.unwrap();
    assert!(after.is_known() && after.pending().next().is_none());
    execute(
        &url,
        "UPDATE _sqlx_migrations SET checksum = '\\x00'::bytea",
    );
    assert!(!postgres.schema().await.unwrap().is_known());
}
