//! Transactions.

use sea_query::{Expr, ExprTrait, Func, OnConflict, Query, SelectStatement};

use crate::database::Dialect;

use super::{
    Statement,
    attempt::{self, LAST_ATTEMPT, last_attempt},
    bound,
    bulk::{BulkInsert, unnest},
    is_not_leased, is_unfinished, is_waiting, names,
    part::{PARTS, parts},
    schema::{Blobs, Summaries, Transactions},
    text,
};

/// The columns that are read of a transaction besides its last attempt; [`StoredRow`](crate::row::StoredRow) takes
/// them by name.
pub(super) const READ: [Transactions; 20] = [
    Transactions::Id,
    Transactions::Created,
    Transactions::Context,
    Transactions::Mail,
    Transactions::Recipients,
    Transactions::Prefix,
    Transactions::BodyLen,
    Transactions::BodyKind,
    Transactions::Retry,
    Transactions::Notify,
    Transactions::AttemptCount,
    Transactions::DueAt,
    Transactions::Work,
    Transactions::FinalReason,
    Transactions::LeaseFence,
    Transactions::MessageKey,
    Transactions::Held,
    Transactions::SendAt,
    Transactions::CrashCount,
    Transactions::LeaseSession,
];

/// The columns in which a draft and its completed transaction differ, in the order in which they are
/// bound.
pub(super) const REST: [Transactions; 24] = [
    Transactions::Context,
    Transactions::Mail,
    Transactions::Recipients,
    Transactions::Prefix,
    Transactions::BlobId,
    Transactions::BodyLen,
    Transactions::BodyKind,
    Transactions::Retry,
    Transactions::Notify,
    Transactions::AttemptCount,
    Transactions::Attempted,
    Transactions::LastReply,
    Transactions::DueAt,
    Transactions::Work,
    Transactions::FinalReason,
    Transactions::FinalSince,
    Transactions::LeaseSession,
    Transactions::LeaseFence,
    Transactions::Destination,
    Transactions::MessageKey,
    Transactions::ReversePath,
    Transactions::ForwardPaths,
    Transactions::Host,
    Transactions::SendAt,
];

/// Writes transactions unless their ids exist, or their senders' idempotency keys do. Binds id, created, sender,
/// idempotency key, request digest; the [`REST`].
pub(crate) static INSERT_TRANSACTIONS: BulkInsert =
    BulkInsert::new(NEW.len(), insert_rows, || insert_columns(""));

/// Writes transactions as [`INSERT_TRANSACTIONS`] does, in PostgreSQL, with the attempts of those that did not exist.
/// Binds lists: the values of [`INSERT_TRANSACTIONS`]; the values of [`INSERT_ATTEMPTS`](super::INSERT_ATTEMPTS).
/// Gives how many did not exist.
pub(crate) static INSERT_WITH_ATTEMPTS: Statement = Statement::new(|_| {
    let (insert, columns) = (insert_columns(" RETURNING id"), attempt::columns());
    let (attempts, columns) = (unnest(columns.len()), columns.join(", "));
    format!(
        "WITH new AS ({insert}), tried AS (INSERT INTO attempts ({columns}) \
         SELECT made.* FROM {attempts} AS made ({columns}) JOIN new ON new.id = transaction_id) \
         SELECT count(*) FROM new"
    )
});

/// The columns of a new transaction, in the order in which they are bound.
const NEW: [Transactions; 29] = {
    use Transactions::{Created, Id, IdempotencyKey, RequestDigest, Sender};
    let mut columns = [Id; 29];
    [columns[1], columns[2], columns[3], columns[4]] =
        [Created, Sender, IdempotencyKey, RequestDigest];
    let mut rest = 0;
    while rest < REST.len() {
        columns[5 + rest] = REST[rest];
        rest += 1;
    }
    columns
};

/// Writes rows of transactions that do not exist and were in no crash.
fn insert_rows(rows: usize) -> String {
    let columns = NEW.into_iter().chain([Transactions::CrashCount]);
    let mut insert = Query::insert();
    insert.into_table(Transactions::Table).columns(columns);
    for _ in 0..rows {
        let bounds = NEW.iter().map(|_| bound());
        let zero = [Expr::cust("0")];
        insert.values_panic(bounds.chain(zero).collect::<Vec<_>>());
    }
    text(insert.on_conflict(OnConflict::new().do_nothing().to_owned()))
}

/// As [`insert_rows`], with bound lists.
fn insert_columns(returning: &str) -> String {
    let (columns, rows) = (names(&NEW).join(", "), unnest(NEW.len()));
    format!(
        "INSERT INTO transactions ({columns}, crash_count) SELECT new.*, 0 FROM {rows} AS new \
         ON CONFLICT DO NOTHING{returning}"
    )
}

/// Finds the transaction that has an idempotency key. Binds sender, key; gives id, request digest.
pub(crate) static FIND_KEYED: Statement = Statement::new(|_| {
    text(
        Query::select()
            .columns([Transactions::Id, Transactions::RequestDigest])
            .from(Transactions::Table)
            .and_where(Expr::col(Transactions::Sender).eq(bound()))
            .and_where(Expr::col(Transactions::IdempotencyKey).eq(bound()))
            .and_where(Expr::col(Transactions::IdempotencyKey).is_not_null()),
    )
});

/// Reads a transaction. Its blob is null where it was removed as garbage. Binds id.
pub(crate) static FIND_TRANSACTION: Statement = Statement::new(|dialect| {
    let id = Expr::col((Transactions::Table, Transactions::Id));
    text(read(dialect).and_where(id.eq(bound())))
});

/// Reads transactions, without parts of the body that were removed as garbage.
pub(super) fn read(dialect: Dialect) -> SelectStatement {
    let transactions = |column| (Transactions::Table, column);
    let mut read = Query::select();
    read.columns(READ.map(transactions))
        .expr_as(Expr::col((Blobs::Table, Blobs::Id)), Transactions::BlobId)
        .expr_as(parts(dialect), PARTS)
        .expr_as(last_attempt(), LAST_ATTEMPT)
        .from(Transactions::Table)
        .left_join(
            Blobs::Table,
            Expr::col((Blobs::Table, Blobs::Id)).equals(transactions(Transactions::BlobId)),
        );
    read
}

/// Counts transactions; gives waiting, leased, finished. Each count reads an index only.
pub(crate) static CENSUS: Statement = Statement::new(|_| {
    let count = |condition: Expr| {
        Query::select()
            .expr(Func::count(Expr::cust("*")))
            .from(Transactions::Table)
            .and_where(condition)
            .to_owned()
    };
    let leased = Expr::col(Transactions::LeaseSession).is_not_null();
    let held = is_unfinished()
        .and(Expr::col(Transactions::Held).is_not_null())
        .and(is_not_leased());
    let waiting = Expr::from(count(is_waiting())).add(Expr::from(count(held)));
    // Naming the time leads SQLite to the smaller index.
    let finished = |since: Expr| {
        Expr::col(Transactions::FinalReason)
            .is_not_null()
            .and(since)
    };
    let since = Expr::col(Transactions::FinalSince);
    let dated = finished(since.clone().gt(Expr::cust("-9223372036854775807")));
    let undated = finished(since.is_null());
    let summaries = Query::select()
        .expr(Func::count(Expr::cust("*")))
        .from(Summaries::Table)
        .to_owned();
    let finished = Expr::from(count(dated)).add(Expr::from(count(undated)));
    let finished = finished.add(Expr::from(summaries));
    text(
        Query::select()
            .expr_as(waiting, "waiting")
            .expr_as(count(leased), "leased")
            .expr_as(finished, "finished"),
    )
});

/// Counts the queue; gives due, waiting (including due), leased, held, and since when the first one is due. Binds the
/// time twice. Each count reads an index only, and no final transaction.
pub(crate) static DEPTH: Statement = Statement::new(|_| {
    let of = |expression: Expr, condition: Expr| {
        Query::select()
            .expr(expression)
            .from(Transactions::Table)
            .and_where(condition)
            .to_owned()
    };
    let count = |condition| of(Func::count(Expr::cust("*")).into(), condition);
    let due = || is_waiting().and(Expr::col(Transactions::DueAt).lte(bound()));
    let leased = Expr::col(Transactions::LeaseSession).is_not_null();
    let held = is_unfinished()
        .and(Expr::col(Transactions::Held).is_not_null())
        .and(is_not_leased());
    let oldest = of(Func::min(Expr::col(Transactions::DueAt)).into(), due());
    text(
        Query::select()
            .expr_as(count(due()), "due")
            .expr_as(count(is_waiting()), "waiting")
            .expr_as(count(leased), "leased")
            .expr_as(count(held), "held")
            .expr_as(oldest, "oldest"),
    )
});
