//! Events.

use sea_query::Query;

use super::{Statement, bound, bulk::BulkInsert, schema::Events, text};

const COLUMNS: [Events; 5] = [
    Events::At,
    Events::TransactionId,
    Events::Sender,
    Events::Kind,
    Events::Details,
];

/// Writes events. Binds at, transaction, sender, kind, details.
pub(crate) static INSERT_EVENTS: BulkInsert = BulkInsert::new(|rows| {
    let mut insert = Query::insert();
    insert.into_table(Events::Table).columns(COLUMNS);
    for _ in 0..rows {
        insert.values_panic(COLUMNS.map(|_| bound()));
    }
    text(&insert)
});

/// The numbers of the oldest event that is kept, or else of the next one; and of the newest that there
/// ever was, or 0.
pub(crate) static BOUND_EVENTS: Statement = Statement::new(|| {
    let last = "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
    format!("SELECT coalesce((SELECT min(number) FROM events), {last} + 1), {last}")
});

/// Reads events, the oldest first. Binds the number that they come after, the last number; an array of
/// senders or null, an array of kinds or null, in JSON; limit. Gives number, at, transaction, sender,
/// kind, details.
pub(crate) static LIST_EVENTS: Statement = Statement::new(|| {
    "SELECT number, at, transaction_id, sender, kind, details FROM events \
     WHERE number > ?1 AND number <= ?2 \
     AND (?3 IS NULL OR sender IN (SELECT value FROM json_each(?3))) \
     AND (?4 IS NULL OR kind IN (SELECT value FROM json_each(?4))) \
     ORDER BY number LIMIT ?5"
        .into()
});

/// Removes the oldest events, 1,000 at most. Binds the time before which they are too old, how many are
/// kept.
pub(crate) static DELETE_EVENTS: Statement = Statement::new(|| {
    "DELETE FROM events WHERE number IN (SELECT number FROM \
     (SELECT number, at FROM events ORDER BY number LIMIT 1000) \
     WHERE at < ? OR number <= (SELECT max(number) FROM events) - ?)"
        .into()
});

/// What events tell of transactions that are held or released. Binds an array of ids, in JSON; gives id,
/// attempt count, context.
pub(crate) static FIND_CHANGED: Statement = Statement::new(|| {
    "SELECT id, attempt_count, context FROM transactions \
     WHERE id IN (SELECT value FROM json_each(?))"
        .into()
});
