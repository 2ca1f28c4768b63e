//! Events.

use sea_query::Query;

use super::{
    Statement, bound,
    bulk::{BulkInsert, unnest},
    names,
    schema::Events,
    text,
};

const COLUMNS: [Events; 5] = [
    Events::At,
    Events::TransactionId,
    Events::Sender,
    Events::Kind,
    Events::Details,
];

/// Writes events. Binds at, transaction, sender, kind, details.
pub(crate) static INSERT_EVENTS: BulkInsert = BulkInsert::new(
    COLUMNS.len(),
    |rows| {
        let mut insert = Query::insert();
        insert.into_table(Events::Table).columns(COLUMNS);
        for _ in 0..rows {
            insert.values_panic(COLUMNS.map(|_| bound()));
        }
        text(&insert)
    },
    insert_numbered,
);

/// The channel by which PostgreSQL notifies other processes of committed events.
pub(crate) const EVENTS_CHANNEL: &str = "koukan_events";

/// Several connections write at the same time. The one that takes the last number holds it until the commit,
/// so events are committed in the order of their numbers, and no reader passes one that is still to come.
/// Others are notified of the commit, under this process's name.
fn insert_numbered() -> String {
    let (columns, rows) = (names(&COLUMNS).join(", "), unnest(COLUMNS.len()));
    format!(
        "WITH new AS (SELECT * FROM {rows} WITH ORDINALITY AS new ({columns}, place)), \
         counted AS (UPDATE event_numbers SET last = last + (SELECT count(*) FROM new) RETURNING last, \
         pg_notify('{EVENTS_CHANNEL}', coalesce(current_setting('koukan.process', TRUE), ''))) \
         INSERT INTO events (number, {columns}) \
         SELECT counted.last - (SELECT count(*) FROM new) + new.place, {columns} FROM counted, new"
    )
}

/// The numbers of the oldest event that is kept, or else of the next one; and of the newest ever
/// written, or 0.
pub(crate) static BOUND_EVENTS: Statement = Statement::new(|dialect| {
    let last = dialect.choose(
        "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)",
        "(SELECT last FROM event_numbers)",
    );
    format!("SELECT coalesce((SELECT min(number) FROM events), {last} + 1), {last}")
});

/// The number of the newest event ever written, in a database that several processes share.
pub(crate) static LAST_EVENT: Statement =
    Statement::new(|_| "SELECT last FROM event_numbers".into());

/// Reads events, the oldest first. Binds the number after which they come, the last number; senders
/// or null, kinds or null; limit. Gives number, at, transaction, sender, kind, details.
pub(crate) static LIST_EVENTS: Statement = Statement::new(|dialect| {
    let (is_sender, is_kind) = (
        dialect.is_one_of("sender", "?3"),
        dialect.is_one_of("kind", "?4"),
    );
    format!(
        "SELECT number, at, transaction_id, sender, kind, details FROM events \
     WHERE number > ?1 AND number <= ?2 \
     AND (?3 IS NULL OR {is_sender}) AND (?4 IS NULL OR {is_kind}) ORDER BY number LIMIT ?5"
    )
});

/// Removes the oldest events, at most 1,000. Binds the time before which they are too old, how many are
/// kept.
pub(crate) static DELETE_EVENTS: Statement = Statement::new(|dialect| {
    let old = "SELECT number FROM \
         (SELECT number, at FROM events ORDER BY number LIMIT 1000) AS oldest \
         WHERE at < ? OR number <= (SELECT max(number) FROM events) - ?";
    format!(
        "DELETE FROM events WHERE {}",
        dialect.is_among("number", old)
    )
});

/// The values that events about held or released transactions need. Binds ids; gives id, attempt
/// count, context.
pub(crate) static FIND_CHANGED: Statement = Statement::new(|dialect| {
    let is_one = dialect.is_one_of("id", "?");
    format!("SELECT id, attempt_count, context FROM transactions WHERE {is_one}")
});
