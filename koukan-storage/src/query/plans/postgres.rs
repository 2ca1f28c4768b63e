//! How PostgreSQL executes the statements, with enough rows that it has a choice.

#[path = "../../../tests/support/postgres.rs"]
mod server;

use std::sync::LazyLock;

use jiff::Timestamp;
use koukan_core::storage::{ListCursor, Listing, QueueState, Search, record::TransactionId};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, Row as _};

use super::statements::{TIME, statements, values};
use crate::{
    PostgresOptions,
    database::Dialect,
    query::{LEASE_DUE, Page, Values, list, list_summaries, select},
};

/// Every other transaction is final. Of the rest some are leased, held, scheduled or suspect.
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
/// The tables that grow with the queue and its history.
const TABLES: [&str; 6] = [
    "transactions",
    "blobs",
    "chunks",
    "attempts",
    "summaries",
    "events",
];

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

/// The plan of a statement: with these values, as for statements that only read; and for any values, as for
/// statements that write.
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

/// The large tables that a plan reads row by row.
fn scans(plan: &str) -> Vec<&str> {
    let lines = plan.lines().filter(|line| {
        TABLES.iter().any(|table| {
            let after = line.split_once(&format!("Seq Scan on {table}"));
            after.is_some_and(|(_, after)| after.starts_with(' '))
        })
    });
    lines.collect()
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

/// A search with every condition.
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
        // A text search in the history is compared with every row, in any order.
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
    // The buffers of the whole statement.
    let buffers = told.next().unwrap().split_whitespace();
    let blocks = buffers.filter_map(|word| {
        let (kind, blocks) = word.split_once('=')?;
        let blocks = blocks.parse::<u64>().ok()?;
        ["hit", "read"].contains(&kind).then_some(blocks)
    });
    let blocks: u64 = blocks.sum();
    // Out of several thousand: each row is found, locked, and written with its index entries.
    assert!((9..600).contains(&blocks), "{blocks} blocks: {plan}");
}
