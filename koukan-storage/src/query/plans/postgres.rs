//! How PostgreSQL does the statements, with as many rows as let it choose.

#[path = "../../../tests/support/postgres.rs"]
mod server;

use std::sync::LazyLock;

use jiff::Timestamp;
use koukan_core::storage::{ListCursor, Listing, QueueState, Search, record::TransactionId};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, Row as _};

use crate::{
    PostgresOptions,
    database::Dialect,
    query::{
        ADD_ATTEMPT, ADDRESS_OF, BOUND_EVENTS, COUNT_DESTINATION, DATE_FINISHED, DELETE_BLOB,
        DELETE_CHUNKS, DELETE_EVENTS, DELETE_FINISHED, DELETE_SUMMARIES, DEPTH, EXTEND_BLOB,
        FIND_BLOB, FIND_CHANGED, FIND_DRAFT, FIND_FORGOTTEN_LEASES, FIND_KEYED, FIND_LEASES,
        FIND_ORPHANS, FIND_SUMMARY, FIND_TRANSACTION, FINISH_BLOB, FREE_LEASES, GIVE_BACK, HOLD,
        HOLDER, HOLDS_LEASE, JUDGE, LEASE, LEASE_COMPANIONS, LEASE_DUE, LEASE_FOR,
        LEASE_NOTIFICATIONS, LEASE_SUSPECTS, LIST_ATTEMPTS, LIST_EVENTS, LOCK_BLOBS, NEXT_DUE,
        NEXT_SUSPECT, PARK, POSTPONE_LEASES, Page, READ_BLOB, READ_SMALL_BLOBS, RELEASE,
        RELEASE_HELD, REQUEST_CANCEL, RETRY, SETTLE, SUMMARY_CONVERSATION, Statement, TO_CANCEL,
        Values, list, list_summaries, select,
    },
};

/// Every other transaction is over; of the rest some are under lease, held, scheduled or suspect.
const ROWS: &str = "
INSERT INTO transactions (id, created, sender, idempotency_key, context, mail, recipients, blob_id, body_len, retry,
    notify, attempt_count, attempted, last_reply, crash_count, due_at, work, final_reason, final_since, lease_session,
    lease_fence, destination, message_key, reverse_path, forward_paths, held, host, send_at, is_to_cancel)
SELECT id, n, CASE WHEN n % 500 IN (20, 21) THEN 'rare' ELSE 'sender' || n % 5 END, CASE WHEN n % 50 = 1 THEN id END, repeat('c', 300), repeat('m', 60), repeat('r', 90),
    id, 9, TRUE, TRUE, CASE WHEN n % 400 = 5 THEN 0 ELSE 1 END, n, '450 later', (n % 800 = 9)::int,
    CASE WHEN n % 2 = 1 THEN n END, CASE WHEN n % 2 = 1 THEN 'attempt' END,
    CASE WHEN n % 2 = 0 THEN 'delivered' END, CASE WHEN n % 2 = 0 THEN n END,
    CASE WHEN n % 400 = 1 THEN 'session' || n % 3 END, 1, 'host' || n % 300, CASE WHEN n % 10 = 7 THEN 'key' || n / 20 END,
    'a@example.org', E'\\nb' || n || E'@example.com\\n', CASE WHEN n % 400 = 3 THEN n END, 'host' || n % 300,
    CASE WHEN n % 400 = 5 THEN n END, n % 800 = 11
FROM (SELECT n, lpad(n::text, 26, '0') AS id FROM generate_series(1, 20000) AS n) AS numbers;
INSERT INTO blobs SELECT id, 9, TRUE, created FROM transactions;
INSERT INTO chunks SELECT id, 0, repeat('x', 9)::bytea FROM transactions;
INSERT INTO attempts SELECT id, 1, created, created, NULL, NULL, repeat('o', 200), NULL FROM transactions;
INSERT INTO summaries SELECT 's' || id, created, sender, context, mail, recipients, 1, NULL, 'delivered', created,
    destination, reverse_path, forward_paths, last_reply, NULL FROM transactions;
INSERT INTO events SELECT n, n, lpad(n::text, 26, '0'), 'sender' || n % 5, 'delivered', repeat('d', 100)
FROM generate_series(1, 20000) AS n;
INSERT INTO sessions SELECT 'session' || n, clock_timestamp() + INTERVAL '1 hour' FROM generate_series(0, 2) AS n;
INSERT INTO suspensions VALUES ('host7', 1, 'me');
";
/// What grows with the queue and its history.
const TABLES: [&str; 6] = [
    "transactions",
    "blobs",
    "chunks",
    "attempts",
    "summaries",
    "events",
];
const ID: &str = "00000000000000000000009001";
const TIME: i64 = 15_000;

static DATABASE: LazyLock<String> = LazyLock::new(|| {
    let url = server::database();
    let options = PostgresOptions::new(&url).unwrap();
    let migrating = async move { options.migrate().await.unwrap() };
    std::thread::spawn(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(migrating);
    })
    .join()
    .unwrap();
    server::execute(&url, ROWS);
    server::execute(&url, "VACUUM ANALYZE");
    url
});

/// How a statement is done: with these values, as all is that only reads; and whatever they are, as what writes may
/// be.
async fn plans(connection: &mut PgConnection, text: &str, values: Values) -> [String; 2] {
    let types = values.types();
    let nothing = vec!["NULL"; types.len()].join(", ");
    let [types, nothing] = match types.is_empty() {
        true => [String::new(), String::new()],
        false => [format!("({})", types.join(", ")), format!("({nothing})")],
    };
    let prepare = format!(
        "DEALLOCATE ALL; PREPARE it{types} AS {text}; SET plan_cache_mode = force_generic_plan"
    );
    connection.execute(AssertSqlSafe(prepare)).await.unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE it{nothing}"));
    let rows = sqlx::raw_sql(explain).fetch_all(&mut *connection).await;
    let whatever = lines(&rows.unwrap());
    let explain = AssertSqlSafe(format!("EXPLAIN {text}"));
    let explain = sqlx::query_with(explain, values.into_postgres()).persistent(false);
    let rows = explain.fetch_all(connection).await;
    [lines(&rows.unwrap()), whatever]
}

fn lines(rows: &[sqlx::postgres::PgRow]) -> String {
    let lines = rows.iter().map(|row| row.get::<String, _>(0));
    lines.collect::<Vec<_>>().join("\n")
}

/// What is read row by row in a plan, of what is large.
fn scans(plan: &str) -> Vec<&str> {
    let lines = plan.lines().filter(|line| {
        TABLES.iter().any(|table| {
            let after = line.split_once(&format!("Seq Scan on {table}"));
            after.is_some_and(|(_, after)| after.starts_with(' '))
        })
    });
    lines.collect()
}

macro_rules! values {
    ($($value:expr),*) => {{
        #[allow(unused_mut, reason = "some bind nothing")]
        let mut values = Values::default();
        $(values.add($value);)*
        values
    }};
}

/// The statements whose time must not grow with the queue, what they bind, and the index by which they find it.
fn statements() -> Vec<(&'static Statement, Values, &'static str)> {
    let none = || None::<&str>;
    let ids = || vec![ID.to_owned(), "00000000000000000000009003".to_owned()];
    let none_of = || vec!["host1".to_owned(), "host2".to_owned()];
    let by_id = "transactions_pkey";
    vec![
        (
            &LEASE_DUE,
            values!("session1", TIME, none_of(), 9_i64),
            "transactions_waiting",
        ),
        (
            &LEASE_FOR,
            values!("session1", "host11", TIME, 9_i64),
            "transactions_for",
        ),
        (
            &LEASE_SUSPECTS,
            values!("session1", TIME, none_of(), 9_i64),
            "transactions_suspect",
        ),
        (
            &LEASE_COMPANIONS,
            values!("session1", "key7", "host7", TIME, 9_i64),
            "transactions_message",
        ),
        (
            &LEASE_NOTIFICATIONS,
            values!("session1", "key7", TIME, 9_i64),
            "transactions_message",
        ),
        (&LEASE, values!("session1", ID, "attempt", "attempt"), by_id),
        (&NEXT_DUE, values!(none_of()), "transactions_waiting"),
        (&NEXT_SUSPECT, values!(none_of()), "transactions_suspect"),
        (&DEPTH, values!(TIME, TIME), "transactions_waiting"),
        (&DEPTH, values!(TIME, TIME), "transactions_leased"),
        (&DEPTH, values!(TIME, TIME), "transactions_held"),
        (
            &COUNT_DESTINATION,
            values!(TIME, 9_i64, "host11"),
            "transactions_bound",
        ),
        (
            &SETTLE,
            values!(
                "[]",
                1_i64,
                TIME,
                "450",
                TIME,
                "attempt",
                none(),
                None::<i64>,
                true,
                ID,
                "session1",
                1_i64
            ),
            by_id,
        ),
        (
            &ADD_ATTEMPT,
            values!(TIME, TIME, none(), none(), "{}", none(), ID),
            by_id,
        ),
        (&RELEASE, values!(ID, "session1", 1_i64), by_id),
        (&HOLDS_LEASE, values!(ID, ID, "session1", 1_i64), by_id),
        (&PARK, values!(TIME, ID), by_id),
        (&FIND_DRAFT, values!(ID, "sender1"), by_id),
        (&FIND_KEYED, values!("sender1", ID), "transactions_keyed"),
        (&FIND_TRANSACTION, values!(ID), by_id),
        (&FIND_TRANSACTION, values!(ID), "attempts_pkey"),
        (&FIND_SUMMARY, values!(ID), "summaries_pkey"),
        (&SUMMARY_CONVERSATION, values!(ID), "summaries_pkey"),
        (&LIST_ATTEMPTS, values!(ID), "attempts_pkey"),
        (&FIND_BLOB, values!(ID), "blobs_pkey"),
        (&EXTEND_BLOB, values!(9_i64, ID, 9_i64), "blobs_pkey"),
        (&FINISH_BLOB, values!(ID, 9_i64), "blobs_pkey"),
        (&READ_BLOB, values!(ID, 0_i64, 1_i64), "chunks_pkey"),
        (&READ_SMALL_BLOBS, values!(ids(), 9_i64), "chunks_pkey"),
        (&JUDGE, values!(ids()), by_id),
        (&RETRY, values!(TIME, ids()), by_id),
        (&HOLD, values!(TIME, ids()), by_id),
        (&RELEASE_HELD, values!(TIME, ids()), by_id),
        (&FIND_CHANGED, values!(ids()), by_id),
        (&REQUEST_CANCEL, values!(ID), by_id),
        (&TO_CANCEL, values!("session1"), "transactions_to_cancel"),
        (&HOLDER, values!(ID), by_id),
        (&ADDRESS_OF, values!("session1"), ""),
        (&GIVE_BACK, values!("session1"), "transactions_leased"),
        (&FIND_LEASES, values!(), "transactions_leased"),
        (&FIND_FORGOTTEN_LEASES, values!(), "transactions_leased"),
        (
            &FREE_LEASES,
            values!(TIME, "session1", 0_i64),
            "transactions_leased",
        ),
        (
            &POSTPONE_LEASES,
            values!(TIME, "session1", 0_i64),
            "transactions_leased",
        ),
        (
            &LIST_EVENTS,
            values!(
                9_000_i64,
                9_500_i64,
                None::<Vec<String>>,
                None::<Vec<String>>,
                100_i64
            ),
            "events_pkey",
        ),
        (&BOUND_EVENTS, values!(), "events_pkey"),
        (&DELETE_EVENTS, values!(500_i64, 19_000_i64), "events_pkey"),
        (&DATE_FINISHED, values!(TIME), "transactions_finished"),
        (
            &DELETE_FINISHED,
            values!(500_i64, 256_i64),
            "transactions_finished",
        ),
        (
            &DELETE_SUMMARIES,
            values!(500_i64, 256_i64),
            "summaries_finished",
        ),
        (
            &FIND_ORPHANS,
            values!(500_i64, 256_i64),
            "transactions_unfinished_blob",
        ),
        (&LOCK_BLOBS, values!(ids()), "blobs_pkey"),
        (&DELETE_BLOB, values!(ID), "blobs_pkey"),
        (&DELETE_BLOB, values!(ID), "transactions_unfinished_blob"),
        (&DELETE_CHUNKS, values!(ID), "chunks_pkey"),
    ]
}

#[tokio::test]
async fn nothing_is_searched_without_an_index() {
    let mut connection = PgConnection::connect(&DATABASE).await.unwrap();
    let mut faults = Vec::new();
    for (statement, values, index) in statements() {
        let text = statement.text(Dialect::Postgres);
        for plan in plans(&mut connection, &text, values).await {
            if !scans(&plan).is_empty() || !plan.contains(index) {
                faults.push(format!("{index} {:?}\n{text}\n{plan}", scans(&plan)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Everything that can be looked for.
fn search() -> Search {
    Search {
        id: None,
        reverse_path: Some("a@example.org".into()),
        recipient: Some("b@y".into()),
        domain: Some("y".into()),
        destination: Some("y".into()),
        since: Some(Timestamp::MIN),
        until: Some(Timestamp::MAX),
        last_reply: Some("mailbox full".into()),
    }
}

fn listings() -> Vec<Listing> {
    let mut listings = Vec::new();
    let named = Search {
        id: Some(TransactionId::random()),
        ..Search::default()
    };
    for search in [Search::default(), search(), named] {
        for sender in [None, Some("sender1".into())] {
            for before in [false, true] {
                let cursor = || ListCursor {
                    created: Timestamp::from_microsecond(TIME).unwrap(),
                    id: TransactionId::random(),
                };
                for state in [
                    None,
                    Some(QueueState::Waiting),
                    Some(QueueState::Active),
                    Some(QueueState::Held),
                    Some(QueueState::Scheduled),
                    Some(QueueState::Finished),
                ] {
                    listings.push(Listing {
                        sender: sender.clone(),
                        state,
                        search: search.clone(),
                        before: before.then(cursor),
                        limit: 9,
                    });
                }
            }
        }
    }
    listings
}

#[tokio::test]
async fn lists_and_searches_go_by_indices() {
    let mut connection = PgConnection::connect(&DATABASE).await.unwrap();
    let mut faults = Vec::new();
    for listing in listings() {
        let pages: [fn(Dialect, &Listing) -> Page; 3] = [list, select, list_summaries];
        // What is looked for in the history by its text is compared with all of it, in whatever order.
        let is_by_text = listing.search.recipient.is_some();
        for page in &pages[..if is_by_text { 2 } else { 3 }] {
            let Page { text, values } = page(Dialect::Postgres, &listing);
            let [plan, _] = plans(&mut connection, &text, values).await;
            if !scans(&plan).is_empty() {
                faults.push(format!("{:?}\n{text}\n{plan}", scans(&plan)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[tokio::test]
async fn a_page_of_one_state_reads_nothing_of_the_others() {
    let mut connection = PgConnection::connect(&DATABASE).await.unwrap();
    for (state, sender, index) in [
        (QueueState::Waiting, None, "transactions_queued"),
        (QueueState::Waiting, Some("rare"), "transactions_queued_of"),
        (QueueState::Finished, None, "transactions_over"),
        (QueueState::Finished, Some("rare"), "transactions_over_of"),
        (QueueState::Active, None, "transactions_leased"),
        (QueueState::Held, None, "transactions_held"),
        (QueueState::Scheduled, None, "transactions_scheduled"),
    ] {
        let listing = Listing {
            sender: sender.map(Into::into),
            state: Some(state),
            search: Search::default(),
            before: None,
            limit: 9,
        };
        let Page { text, values } = select(Dialect::Postgres, &listing);
        let [plan, _] = plans(&mut connection, &text, values).await;
        assert!(plan.contains(index), "{index} in\n{text}\n{plan}");
    }
}

#[tokio::test]
async fn what_is_leased_is_all_that_is_read() {
    let mut connection = PgConnection::connect(&DATABASE).await.unwrap();
    let text = LEASE_DUE.text(Dialect::Postgres);
    let values = values!("session1", TIME, Vec::<String>::new(), 9_i64);
    connection.execute("BEGIN").await.unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN (ANALYZE, BUFFERS) {text}"));
    let explain = sqlx::query_with(explain, values.into_postgres()).persistent(false);
    let plan = lines(&explain.fetch_all(&mut connection).await.unwrap());
    connection.execute("ROLLBACK").await.unwrap();
    let mut told = plan.lines();
    assert!(told.next().unwrap().contains(" rows=9 loops=1)"), "{plan}");
    // Those of all that is done.
    let buffers = told.next().unwrap().split_whitespace();
    let blocks = buffers.filter_map(|word| {
        let (kind, blocks) = word.split_once('=')?;
        let blocks = blocks.parse::<u64>().ok()?;
        ["hit", "read"].contains(&kind).then_some(blocks)
    });
    let blocks: u64 = blocks.sum();
    // Of some thousand: each row is found, locked, and written with its entries in the indices.
    assert!((9..600).contains(&blocks), "{blocks} blocks: {plan}");
}
