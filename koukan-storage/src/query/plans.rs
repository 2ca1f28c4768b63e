//! How SQLite does the statements.

use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, SqliteConnection};

use super::{
    BEGIN, CENSUS, COMPLETE, CREATE_BLOB, DATE_FINISHED, DELETE_BLOB, DELETE_CHUNKS,
    DELETE_FINISHED, DELETE_PARTS, EXTEND_BLOB, FIND_BLOB, FIND_DRAFT, FIND_KEYED, FIND_LEASES,
    FIND_ORPHANS, FIND_TRANSACTION, FINISH_BLOB, FREE_LEASES, HOLDS_LEASE, INSERT_BLOB,
    INSERT_PART, LEASE, LEASE_DUE, LEASE_SUSPECTS, LIST, LIST_FINISHED, LIST_LEASED, LIST_WAITING,
    NEWEST_FINISHED, NEWEST_UNFINISHED, NEXT_DUE, NEXT_SUSPECT, PARK, POSTPONE_LEASES, READ_BLOB,
    RELEASE, SETTLE, Statement, Values,
};

async fn database() -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new();
    let mut connection = options.in_memory(true).connect().await.unwrap();
    for schema in [
        include_str!("../../migrations/sqlite/0001_initial.sql"),
        include_str!("../../migrations/sqlite/0002_rest.sql"),
        include_str!("../../migrations/sqlite/0003_suspects.sql"),
        include_str!("../../migrations/sqlite/0004_request_digest.sql"),
        include_str!("../../migrations/sqlite/0005_destinations.sql"),
        include_str!("../../migrations/sqlite/0006_message_keys.sql"),
    ] {
        connection.execute(schema).await.unwrap();
    }
    connection
}

async fn plan(connection: &mut SqliteConnection, statement: &Statement) -> Vec<String> {
    let AssertSqlSafe(text) = statement.text();
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = connection.fetch_all(explain).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn nothing_is_searched_without_an_index() {
    let mut connection = database().await;
    for statement in [
        &COMPLETE,
        &CREATE_BLOB,
        &DATE_FINISHED,
        &DELETE_BLOB,
        &DELETE_CHUNKS,
        &DELETE_FINISHED,
        &DELETE_PARTS,
        &EXTEND_BLOB,
        &FIND_BLOB,
        &FIND_DRAFT,
        &FIND_KEYED,
        &FIND_TRANSACTION,
        &FINISH_BLOB,
        &FREE_LEASES,
        &HOLDS_LEASE,
        &INSERT_BLOB,
        &INSERT_PART,
        &LEASE,
        &LEASE_DUE,
        &LEASE_SUSPECTS,
        &LIST,
        &LIST_FINISHED,
        &PARK,
        &POSTPONE_LEASES,
        &READ_BLOB,
        &RELEASE,
        &SETTLE,
    ] {
        for step in plan(&mut connection, statement).await {
            // What is not in a table: a single row, or a list that is bound.
            let is_small = ["SCAN CONSTANT ROW", "SCAN json_each"];
            let is_small = is_small.iter().any(|small| step.starts_with(small));
            let is_search = !step.starts_with("SCAN ") || is_small;
            let sorts = step.contains("TEMP B-TREE");
            assert!(is_search && !sorts, "{step:?} in {}", statement.text().0);
        }
    }
}

#[tokio::test]
async fn what_waits_is_found_by_its_own_index() {
    let mut connection = database().await;
    for (statement, index) in [
        (&LEASE_DUE, "transactions_waiting"),
        (&NEXT_DUE, "transactions_waiting"),
        (&LEASE_SUSPECTS, "transactions_suspect"),
        (&NEXT_SUSPECT, "transactions_suspect"),
        (&NEWEST_FINISHED, "transactions_finished"),
        (&NEWEST_UNFINISHED, "transactions_unfinished_blob"),
        (&FIND_LEASES, "transactions_leased"),
        (&FREE_LEASES, "transactions_leased"),
        (&DELETE_FINISHED, "transactions_finished"),
        (&DATE_FINISHED, "transactions_finished"),
        (&DELETE_BLOB, "transactions_unfinished_blob"),
        (&FIND_ORPHANS, "transactions_unfinished_blob"),
        (&DELETE_BLOB, "parts_blob"),
        (&FIND_ORPHANS, "parts_blob"),
        (&FIND_KEYED, "transactions_keyed"),
        (&LIST, "transactions_listed"),
        (&LIST_FINISHED, "transactions_listed"),
        (&LIST_LEASED, "transactions_leased"),
        (&LIST_WAITING, "transactions_waiting"),
        (&CENSUS, "transactions_waiting"),
        (&CENSUS, "transactions_leased"),
        (&CENSUS, "transactions_finished"),
    ] {
        let plan = plan(&mut connection, statement).await;
        let uses = plan.iter().any(|step| step.contains(index));
        assert!(uses, "{index} in {plan:?}");
    }
}

#[tokio::test]
async fn repeated_statements_bring_one_result_for_each_request() {
    let mut connection = database().await;
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
        let len = found.rows.first().map(|row| row.get::<i64, _>(0));
        assert_eq!(len, (request * 2 < 171).then_some(request * 2));
    }
}
