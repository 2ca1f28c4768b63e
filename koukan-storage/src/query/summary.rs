//! Summaries of transactions that were never committed.

use sea_query::{Expr, ExprTrait, Order, Query};

use super::{
    Statement, bound,
    bulk::{BulkInsert, unnest},
    names,
    schema::Summaries,
    text,
};

/// The columns, in the order in which they are bound.
const COLUMNS: [Summaries; 15] = [
    Summaries::Id,
    Summaries::Created,
    Summaries::Sender,
    Summaries::Context,
    Summaries::Mail,
    Summaries::Recipients,
    Summaries::AttemptCount,
    Summaries::LastAttempt,
    Summaries::FinalReason,
    Summaries::FinalSince,
    Summaries::Destination,
    Summaries::ReversePath,
    Summaries::ForwardPaths,
    Summaries::LastReply,
    Summaries::Conversation,
];

/// What is read of a summary, under the names of a transaction's columns.
pub(super) const READ: &str = "id, created, context, mail, recipients, NULL AS prefix, \
    NULL AS blob_id, NULL AS body_len, NULL AS body_kind, NULL AS message_key, FALSE AS retry, \
    FALSE AS notify, attempt_count, last_attempt, NULL AS due_at, NULL AS work, final_reason, \
    CAST(0 AS BIGINT) AS lease_fence, NULL AS held, NULL AS send_at, \
    CAST(0 AS BIGINT) AS crash_count, NULL AS lease_session";

/// Writes summaries unless transactions or summaries with their ids exist. Binds the columns.
pub(crate) static INSERT_SUMMARIES: BulkInsert = BulkInsert::new(
    COLUMNS.len(),
    |rows| {
        let row = format!("({})", COLUMNS.map(|_| "?").join(", "));
        let rows = vec![&*row; rows].join(", ");
        // These are the column names of a list of values.
        insert_new(&format!("(VALUES {rows}) AS new"), "column1")
    },
    || {
        let (rows, names) = (unnest(COLUMNS.len()), names(&COLUMNS).join(", "));
        insert_new(&format!("{rows} AS new ({names})"), "new.id")
    },
);

fn insert_new(rows: &str, id: &str) -> String {
    format!(
        "INSERT INTO summaries ({}) SELECT * FROM {rows} WHERE NOT EXISTS \
         (SELECT 1 FROM transactions WHERE transactions.id = {id}) ON CONFLICT DO NOTHING",
        names(&COLUMNS).join(", ")
    )
}

/// Reads a summary as a transaction. Binds id.
pub(crate) static FIND_SUMMARY: Statement =
    Statement::new(|_| format!("SELECT {READ} FROM summaries WHERE id = ?"));

/// Reads the conversation of the last attempt. Binds id.
pub(crate) static SUMMARY_CONVERSATION: Statement =
    Statement::new(|_| "SELECT conversation FROM summaries WHERE id = ?".into());

/// Removes summaries. Binds the latest time since which they are final, limit.
pub(crate) static DELETE_SUMMARIES: Statement = Statement::new(|dialect| {
    let finished = Query::select()
        .column(Summaries::Id)
        .from(Summaries::Table)
        .and_where(Expr::col(Summaries::FinalSince).lt(bound()))
        .order_by(Summaries::FinalSince, Order::Asc)
        .limit(1)
        .to_owned();
    text(
        Query::delete()
            .from_table(Summaries::Table)
            .and_where(Expr::cust(dialect.is_among(r#""id""#, &text(&finished)))),
    )
});

/// The latest time since which one is final.
pub(crate) static NEWEST_SUMMARY: Statement = Statement::new(|_| {
    text(
        Query::select()
            .expr(Expr::col(Summaries::FinalSince).max())
            .from(Summaries::Table),
    )
});
