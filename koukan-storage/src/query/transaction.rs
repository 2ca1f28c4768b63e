//! Transactions.

use sea_query::{Expr, ExprTrait, Func, OnConflict, Query, SelectStatement};

use super::{
    Statement, bound,
    bulk::BulkInsert,
    is_waiting,
    part::{PARTS, parts},
    schema::{Blobs, Transactions},
    text,
};

/// What is read of a transaction; [`StoredRow`](crate::row::StoredRow) takes them by name.
pub(super) const READ: [Transactions; 18] = [
    Transactions::RowId,
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
    Transactions::LastAttempt,
    Transactions::DueAt,
    Transactions::Work,
    Transactions::FinalReason,
    Transactions::LeaseFence,
    Transactions::MessageKey,
];

/// The columns that a draft and what it is completed to do not have in common, in the order in which
/// they are bound.
pub(super) const REST: [Transactions; 19] = [
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
    Transactions::LastAttempt,
    Transactions::DueAt,
    Transactions::Work,
    Transactions::FinalReason,
    Transactions::FinalSince,
    Transactions::LeaseSession,
    Transactions::LeaseFence,
    Transactions::Destination,
    Transactions::MessageKey,
];

/// Writes transactions unless their ids, or the idempotency keys of their senders, are there. Binds
/// id, created, sender, idempotency key, request digest; the [`REST`].
pub(crate) static INSERT_TRANSACTIONS: BulkInsert = BulkInsert::new(|rows| {
    use Transactions::{CrashCount, Created, Id, IdempotencyKey, RequestDigest, Sender};
    let columns = [Id, Created, Sender, IdempotencyKey, RequestDigest]
        .into_iter()
        .chain(REST);
    insert(&columns.collect::<Vec<_>>(), &[CrashCount], rows)
});

/// Writes transactions that were never committed and are over, unless their ids are there. Binds
/// id, created, sender, context, mail, recipients, attempt count, last attempt, final reason, final
/// since.
pub(crate) static INSERT_SUMMARIES: BulkInsert = BulkInsert::new(|rows| {
    use Transactions::{
        AttemptCount, Context, CrashCount, Created, FinalReason, FinalSince, Id, LastAttempt,
        LeaseFence, Mail, Notify, Recipients, Retry, Sender,
    };
    let columns = [
        Id,
        Created,
        Sender,
        Context,
        Mail,
        Recipients,
        AttemptCount,
        LastAttempt,
        FinalReason,
        FinalSince,
    ];
    insert(&columns, &[Retry, Notify, CrashCount, LeaseFence], rows)
});

/// Writes transactions that are not there.
fn insert(bound_columns: &[Transactions], zero_columns: &[Transactions], rows: usize) -> String {
    let columns = bound_columns.iter().chain(zero_columns).copied();
    let mut insert = Query::insert();
    insert.into_table(Transactions::Table).columns(columns);
    for _ in 0..rows {
        let bounds = bound_columns.iter().map(|_| bound());
        let zeros = zero_columns.iter().map(|_| Expr::cust("0"));
        insert.values_panic(bounds.chain(zeros).collect::<Vec<_>>());
    }
    text(insert.on_conflict(OnConflict::new().do_nothing().to_owned()))
}

/// Finds the transaction that has an idempotency key. Binds sender, key; gives id, request digest.
pub(crate) static FIND_KEYED: Statement = Statement::new(|| {
    text(
        Query::select()
            .columns([Transactions::Id, Transactions::RequestDigest])
            .from(Transactions::Table)
            .and_where(Expr::col(Transactions::Sender).eq(bound()))
            .and_where(Expr::col(Transactions::IdempotencyKey).eq(bound()))
            .and_where(Expr::col(Transactions::IdempotencyKey).is_not_null()),
    )
});

/// Reads a transaction; its blob is null where that was collected. Binds id.
pub(crate) static FIND_TRANSACTION: Statement = Statement::new(|| {
    let id = Expr::col((Transactions::Table, Transactions::Id));
    text(read().and_where(id.eq(bound())))
});

/// Reads transactions without those parts of the body that were collected.
pub(super) fn read() -> SelectStatement {
    let transactions = |column| (Transactions::Table, column);
    let mut read = Query::select();
    read.columns(READ.map(transactions))
        .expr_as(Expr::col((Blobs::Table, Blobs::Id)), Transactions::BlobId)
        .expr_as(parts(), PARTS)
        .from(Transactions::Table)
        .left_join(
            Blobs::Table,
            Expr::col((Blobs::Table, Blobs::Id)).equals(transactions(Transactions::BlobId)),
        );
    read
}

/// Counts transactions; gives waiting, leased, finished. Each count reads a partial index only.
pub(crate) static CENSUS: Statement = Statement::new(|| {
    let count = |condition: Expr| {
        Query::select()
            .expr(Func::count(Expr::cust("*")))
            .from(Transactions::Table)
            .and_where(condition)
            .to_owned()
    };
    let leased = Expr::col(Transactions::LeaseSession).is_not_null();
    let finished = Expr::col(Transactions::FinalReason).is_not_null();
    text(
        Query::select()
            .expr_as(count(is_waiting()), "waiting")
            .expr_as(count(leased), "leased")
            .expr_as(count(finished), "finished"),
    )
});
