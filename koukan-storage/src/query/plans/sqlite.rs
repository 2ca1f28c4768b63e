//! How SQLite executes the statements.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, SqliteConnection};

use crate::database::{Connection, Dialect};

use jiff::Timestamp;
use koukan_core::storage::{ListCursor, Listing, QueueState, Search, record::TransactionId};

use crate::query::{
    ADD_ATTEMPT, BEGIN, BOUND_EVENTS, CENSUS, COMPLETE, COUNT_DESTINATION, COUNT_DESTINATIONS,
    CREATE_BLOB, DATE_FINISHED, DELETE_ATTEMPTS, DELETE_BLOB, DELETE_CHUNKS, DELETE_EVENTS,
    DELETE_FINISHED, DELETE_PARTS, DELETE_SUMMARIES, DEPTH, EXTEND_BLOB, FIND_BLOB, FIND_CHANGED,
    FIND_DRAFT, FIND_KEYED, FIND_LEASES, FIND_ORPHANS, FIND_SUMMARY, FIND_TRANSACTION, FINISH_BLOB,
    FREE_LEASES, HOLD, HOLDS_LEASE, INSERT_BLOB, INSERT_PART, JUDGE, KEEP_SUPPRESSION, LEASE,
    LEASE_COMPANIONS, LEASE_DUE, LEASE_FOR, LEASE_NOTIFICATIONS, LEASE_SUSPECTS, LIST_ATTEMPTS,
    LIST_EVENTS, NEWEST_FINISHED, NEWEST_LEASED, NEWEST_SUMMARY, NEWEST_WAITING, NEXT_DUE,
    NEXT_SUSPECT, PARK, POSTPONE_LEASES, READ_BLOB, READ_SMALL_BLOBS, RELEASE, RELEASE_HELD,
    REMOVE_SUPPRESSION, RESUME, RETRY, SETTLE, SUSPEND, Statement, Values, list, list_summaries,
    select,
};

async fn database() -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let mut connection = options.in_memory(true).connect().await.unwrap();
    for schema in [
        include_str!("../../../migrations/sqlite/0001_initial.sql"),
        include_str!("../../../migrations/sqlite/0002_rest.sql"),
        include_str!("../../../migrations/sqlite/0003_suspects.sql"),
        include_str!("../../../migrations/sqlite/0004_request_digest.sql"),
        include_str!("../../../migrations/sqlite/0005_destinations.sql"),
        include_str!("../../../migrations/sqlite/0006_message_keys.sql"),
        include_str!("../../../migrations/sqlite/0007_attempts.sql"),
        include_str!("../../../migrations/sqlite/0008_held.sql"),
        include_str!("../../../migrations/sqlite/0009_companions.sql"),
        include_str!("../../../migrations/sqlite/0010_events.sql"),
        include_str!("../../../migrations/sqlite/0012_suspensions.sql"),
        include_str!("../../../migrations/sqlite/0014_send_at.sql"),
        include_str!("../../../migrations/sqlite/0017_conversations.sql"),
        include_str!("../../../migrations/sqlite/0019_suppressions.sql"),
    ] {
        connection.execute(schema).await.unwrap();
    }
    connection
}

async fn plan(connection: &mut SqliteConnection, statement: &Statement) -> Vec<String> {
    plan_of(connection, statement.text(Dialect::Sqlite)).await
}

async fn plan_of(connection: &mut SqliteConnection, text: Arc<str>) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = connection.fetch_all(explain).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn nothing_is_searched_without_an_index() {
    let mut connection = database().await;
    for statement in [
        &ADD_ATTEMPT,
        &COMPLETE,
        &CREATE_BLOB,
        &DATE_FINISHED,
        &DELETE_ATTEMPTS,
        &DELETE_BLOB,
        &DELETE_CHUNKS,
        &DELETE_FINISHED,
        &DELETE_PARTS,
        &DELETE_SUMMARIES,
        &EXTEND_BLOB,
        &FIND_BLOB,
        &FIND_DRAFT,
        &FIND_KEYED,
        &FIND_SUMMARY,
        &FIND_TRANSACTION,
        &FINISH_BLOB,
        &FREE_LEASES,
        &HOLD,
        &HOLDS_LEASE,
        &INSERT_BLOB,
        &INSERT_PART,
        &JUDGE,
        &KEEP_SUPPRESSION,
        &LEASE,
        &LEASE_COMPANIONS,
        &LEASE_DUE,
        &LEASE_FOR,
        &LEASE_NOTIFICATIONS,
        &LEASE_SUSPECTS,
        &LIST_ATTEMPTS,
        &PARK,
        &POSTPONE_LEASES,
        &READ_BLOB,
        &READ_SMALL_BLOBS,
        &RELEASE,
        &REMOVE_SUPPRESSION,
        &RELEASE_HELD,
        &RESUME,
        &RETRY,
        &SETTLE,
        &SUSPEND,
    ] {
        for step in plan(&mut connection, statement).await {
            // These are not tables: a single row, or a bound list.
            let is_small = ["SCAN CONSTANT ROW", "SCAN json_each"];
            let is_small = is_small.iter().any(|small| step.starts_with(small));
            let is_search = !step.starts_with("SCAN ") || is_small;
            let sorts = step.contains("TEMP B-TREE");
            assert!(
                is_search && !sorts,
                "{step:?} in {}",
                statement.text(Dialect::Sqlite)
            );
        }
    }
}

#[tokio::test]
async fn what_waits_is_found_by_its_own_index() {
    let mut connection = database().await;
    for (statement, index) in [
        (&LEASE_DUE, "transactions_waiting"),
        (&LEASE_FOR, "transactions_waiting"),
        (&NEXT_DUE, "transactions_waiting"),
        (
            &LEASE_COMPANIONS,
            "INDEX transactions_message (message_key=? AND destination=? AND due_at<?)",
        ),
        (
            &LEASE_NOTIFICATIONS,
            "INDEX transactions_message (message_key=?",
        ),
        (&LEASE_SUSPECTS, "transactions_suspect"),
        (&NEXT_SUSPECT, "transactions_suspect"),
        (&NEWEST_FINISHED, "transactions_finished"),
        (&NEWEST_SUMMARY, "summaries_finished"),
        (&NEWEST_WAITING, "COVERING INDEX transactions_queued"),
        (&NEWEST_LEASED, "transactions_leased"),
        (&DELETE_SUMMARIES, "summaries_finished"),
        (&FIND_LEASES, "transactions_leased"),
        (&FREE_LEASES, "transactions_leased"),
        (&DELETE_FINISHED, "transactions_finished"),
        (&DATE_FINISHED, "transactions_finished"),
        (&DELETE_BLOB, "transactions_unfinished_blob"),
        (&FIND_ORPHANS, "transactions_unfinished_blob"),
        (&DELETE_BLOB, "parts_blob"),
        (&FIND_ORPHANS, "parts_blob"),
        (&FIND_KEYED, "transactions_keyed"),
        (&CENSUS, "transactions_waiting"),
        (&CENSUS, "transactions_leased"),
        (&CENSUS, "transactions_held"),
        (&CENSUS, "transactions_finished"),
        (&DEPTH, "transactions_waiting"),
        (&DEPTH, "transactions_leased"),
        (&DEPTH, "transactions_held"),
    ] {
        let plan = plan(&mut connection, statement).await;
        let uses = plan.iter().any(|step| step.contains(index));
        assert!(uses, "{index} in {plan:?}");
    }
}

#[tokio::test]
async fn destinations_are_counted_in_an_index_of_their_own() {
    let mut connection = database().await;
    for (statement, counts) in [
        (
            &COUNT_DESTINATIONS,
            "SEARCH transactions USING COVERING INDEX transactions_bound (host>?)",
        ),
        (
            &COUNT_DESTINATION,
            "SEARCH transactions USING COVERING INDEX transactions_bound (host=?)",
        ),
    ] {
        let plan = plan(&mut connection, statement).await;
        for step in [
            counts,
            "SEARCH transactions USING INDEX transactions_leased (lease_session>?)",
            "SEARCH last USING INDEX transactions_bound (host=? AND attempted>?)",
        ] {
            assert!(plan.iter().any(|it| it == step), "{step} in {plan:#?}");
        }
        let reads_all = plan
            .iter()
            .any(|step| step.starts_with("SCAN transactions"));
        assert!(!reads_all, "{plan:#?}");
    }
}

/// A search with every condition, after some page.
fn search() -> Search {
    Search {
        id: Some(TransactionId::random()),
        reverse_path: Some("a@x".into()),
        recipient: Some("b@y".into()),
        domain: Some("y".into()),
        destination: Some("y".into()),
        since: Some(Timestamp::MIN),
        until: Some(Timestamp::MAX),
        last_reply: Some("mailbox full".into()),
    }
}

#[tokio::test]
async fn lists_read_nothing_of_what_they_pass_over() {
    let mut connection = database().await;
    let narrow = Search {
        id: None,
        ..search()
    };
    for search in [Search::default(), narrow] {
        for sender in [None, Some("a".into())] {
            for before in [false, true] {
                let before = before.then(|| ListCursor {
                    created: Timestamp::UNIX_EPOCH,
                    id: TransactionId::random(),
                });
                let of_state = |state| Listing {
                    sender: sender.clone(),
                    state,
                    search: search.clone(),
                    before,
                    limit: 9,
                };
                for (state, index) in [
                    (
                        QueueState::Waiting,
                        "USING COVERING INDEX transactions_queued",
                    ),
                    (QueueState::Active, "USING INDEX transactions_leased"),
                    (QueueState::Held, "USING COVERING INDEX transactions_held"),
                    (
                        QueueState::Scheduled,
                        "USING COVERING INDEX transactions_scheduled",
                    ),
                    (
                        QueueState::Finished,
                        "USING COVERING INDEX transactions_over",
                    ),
                ] {
                    let page = list(Dialect::Sqlite, &of_state(Some(state)));
                    let plan = plan_of(&mut connection, page.text).await;
                    assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
                    let page = select(Dialect::Sqlite, &of_state(Some(state)));
                    let plan = plan_of(&mut connection, page.text).await;
                    assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
                    if matches!(state, QueueState::Held | QueueState::Scheduled) {
                        continue;
                    }
                    let page = list(Dialect::Sqlite, &of_state(None));
                    let plan = plan_of(&mut connection, page.text).await;
                    assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
                    let reads_all = plan.iter().any(|step| step == "SCAN transactions");
                    assert!(!reads_all, "{plan:?}");
                }
                let page = list_summaries(Dialect::Sqlite, &of_state(None));
                let plan = plan_of(&mut connection, page.text).await;
                let index = "USING COVERING INDEX summaries_listed";
                assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
            }
        }
    }
}

#[tokio::test]
async fn events_are_read_from_where_the_page_begins() {
    let mut connection = database().await;
    let plan_of_list = plan(&mut connection, &LIST_EVENTS).await;
    let range = "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
    assert_eq!(plan_of_list[0], range);
    assert!(!plan_of_list.iter().any(|step| step.contains("TEMP B-TREE")));
    for statement in [&DELETE_EVENTS, &BOUND_EVENTS, &FIND_CHANGED] {
        let plan = plan(&mut connection, statement).await;
        let reads_all = plan.iter().any(|step| step == "SCAN transactions");
        assert!(!reads_all, "{plan:?}");
    }
}

#[tokio::test]
async fn one_senders_lists_are_in_order() {
    let mut connection = database().await;
    for (state, places) in [
        (QueueState::Waiting, "queued"),
        (QueueState::Finished, "over"),
    ] {
        let listing = Listing {
            sender: Some("a".into()),
            state: Some(state),
            search: Search {
                id: None,
                ..search()
            },
            before: None,
            limit: 9,
        };
        let plan = plan_of(&mut connection, list(Dialect::Sqlite, &listing).text).await;
        // Only the rows on the page are sorted.
        let read = plan
            .iter()
            .position(|step| step.contains(&format!("transactions_{places}")));
        let step = &plan[read.unwrap()];
        assert!(
            step.contains("SEARCH") && step.contains("(sender=?"),
            "{plan:?}"
        );
    }
}

#[tokio::test]
async fn what_is_named_is_found_at_once() {
    let mut connection = database().await;
    let listing = Listing {
        sender: None,
        state: None,
        search: search(),
        before: None,
        limit: 9,
    };
    let plan = plan_of(&mut connection, list(Dialect::Sqlite, &listing).text).await;
    let scans = plan
        .iter()
        .any(|step| step.starts_with("SCAN transactions"));
    assert!(!scans, "{plan:?}");
}

#[tokio::test]
async fn repeated_statements_bring_one_result_for_each_request() {
    let mut connection = Connection::from(database().await);
    BEGIN
        .execute(&mut connection, Values::default())
        .await
        .unwrap();
    let requests: Vec<i64> = (0..171).collect();
    let bind = |request: &i64, values: &mut Values| {
        values.add(request.to_string()).add(*request).add(0);
    };
    for affected in [1, 0] {
        let executed = INSERT_BLOB.execute_each(&mut connection, &requests, bind);
        let executed = executed.await.unwrap();
        assert_eq!(executed.len(), 171);
        assert!(
            executed
                .iter()
                .all(|executed| executed.affected == affected)
        );
    }
    let bind = |request: &i64, values: &mut Values| {
        values.add((request * 2).to_string());
    };
    let found = FIND_BLOB.execute_each(&mut connection, &requests, bind);
    for (request, found) in requests.iter().zip(found.await.unwrap()) {
        let len = found
            .rows
            .first()
            .map(|row| row.try_get::<i64, _>(0).unwrap());
        assert_eq!(len, (request * 2 < 171).then_some(request * 2));
    }
}
