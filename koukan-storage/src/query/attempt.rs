//! Attempts.

use sea_query::{CaseStatement, Expr, ExprTrait, Order, Query};

use super::{
    Statement, bound,
    bulk::{BulkInsert, insert_columns, unnest},
    names,
    schema::{Attempts, Transactions},
    text,
};

/// The alias of the last attempt at a transaction.
pub(super) const LAST_ATTEMPT: &str = "last_attempt";

const COLUMNS: [Attempts; 8] = [
    Attempts::TransactionId,
    Attempts::Number,
    Attempts::Started,
    Attempts::Ended,
    Attempts::Host,
    Attempts::Address,
    Attempts::Outcome,
    Attempts::Conversation,
];

/// Writes attempts. Binds transaction, number, started, ended, host, address, outcome,
/// conversation.
pub(crate) static INSERT_ATTEMPTS: BulkInsert = BulkInsert::new(
    COLUMNS.len(),
    |rows| {
        let mut insert = Query::insert();
        insert.into_table(Attempts::Table).columns(COLUMNS);
        for _ in 0..rows {
            insert.values_panic(COLUMNS.map(|_| bound()));
        }
        text(&insert)
    },
    || insert_columns("attempts", &columns()),
);

/// The columns of an attempt, in the order in which they are bound.
pub(super) fn columns() -> Vec<String> {
    names(&COLUMNS)
}

/// Writes the attempt that was counted last. Binds started, ended, host, address, outcome,
/// conversation; transaction.
pub(crate) static ADD_ATTEMPT: Statement = Statement::new(|_| {
    let outcome = COLUMNS[2..].iter().map(|_| bound());
    let attempt = Query::select()
        .columns([Transactions::Id, Transactions::AttemptCount])
        .exprs(outcome)
        .from(Transactions::Table)
        .and_where(Expr::col(Transactions::Id).eq(bound()))
        .to_owned();
    let mut insert = Query::insert();
    let insert = insert.into_table(Attempts::Table).columns(COLUMNS);
    text(insert.select_from(attempt).expect("as many as columns"))
});

/// As [`ADD_ATTEMPT`], for any number of transactions, in PostgreSQL. Binds lists of the same values.
pub(crate) static ADD_ATTEMPTS: Statement = Statement::new(|_| {
    let rows = unnest(ADDED);
    let (all, outcome) = (columns().join(", "), names(&COLUMNS[2..]));
    let made = outcome.iter().map(|name| format!("made.{name}"));
    let made = made.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO attempts ({all}) SELECT id, attempt_count, {made} \
         FROM {rows} AS made ({}, transaction_id) JOIN transactions ON id = made.transaction_id",
        outcome.join(", ")
    )
});

/// How many values are bound for an attempt that is added.
pub(crate) const ADDED: usize = COLUMNS.len() - 1;

/// Removes the attempts at a transaction. Binds transaction.
pub(crate) static DELETE_ATTEMPTS: Statement = Statement::new(|_| {
    text(
        Query::delete()
            .from_table(Attempts::Table)
            .and_where(Expr::col(Attempts::TransactionId).eq(bound())),
    )
});

/// Reads the attempts at a transaction, the oldest first. Binds transaction; gives outcome,
/// conversation.
pub(crate) static LIST_ATTEMPTS: Statement = Statement::new(|_| {
    text(
        Query::select()
            .columns([Attempts::Outcome, Attempts::Conversation])
            .from(Attempts::Table)
            .and_where(Expr::col(Attempts::TransactionId).eq(bound()))
            .order_by(Attempts::Number, Order::Asc),
    )
});

/// The outcome of the last attempt at a transaction; null where there was none. In that case nothing
/// is looked up.
pub(super) fn last_attempt() -> Expr {
    let attempts = |column| Expr::col((Attempts::Table, column));
    let count = (Transactions::Table, Transactions::AttemptCount);
    let last = Query::select()
        .expr(attempts(Attempts::Outcome))
        .from(Attempts::Table)
        .and_where(
            attempts(Attempts::TransactionId).equals((Transactions::Table, Transactions::Id)),
        )
        .and_where(attempts(Attempts::Number).equals(count))
        .to_owned();
    CaseStatement::new()
        .case(Expr::col(count).gt(Expr::cust("0")), Expr::from(last))
        .into()
}
