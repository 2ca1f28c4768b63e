//! Transactions.

use sea_query::{Expr, ExprTrait, Func, OnConflict, Query};

use super::{
    Statement, bound, is_not_leased, is_unfinished,
    schema::{Blobs, Transactions},
    text,
};

/// What is read of a transaction; [`StoredRow`](crate::row::StoredRow) takes them by name.
pub(super) const READ: [Transactions; 16] = [
    Transactions::RowId,
    Transactions::Id,
    Transactions::Created,
    Transactions::Context,
    Transactions::Mail,
    Transactions::Recipients,
    Transactions::Prefix,
    Transactions::BodyLen,
    Transactions::Retry,
    Transactions::Notify,
    Transactions::AttemptCount,
    Transactions::LastAttempt,
    Transactions::DueAt,
    Transactions::Work,
    Transactions::FinalReason,
    Transactions::LeaseFence,
];

/// Writes a transaction unless its id is there. Binds all columns but the crash count in the order
/// of the schema.
pub(crate) static INSERT_TRANSACTION: Statement = Statement::new(|| {
    use Transactions::{
        AttemptCount, BlobId, BodyLen, Context, CrashCount, Created, DueAt, FinalReason,
        FinalSince, Id, LastAttempt, LeaseFence, LeaseSession, Mail, Notify, Prefix, Recipients,
        Retry, Table, Work,
    };
    const BOUND: [Transactions; 18] = [
        Id,
        Created,
        Context,
        Mail,
        Recipients,
        Prefix,
        BlobId,
        BodyLen,
        Retry,
        Notify,
        AttemptCount,
        LastAttempt,
        DueAt,
        Work,
        FinalReason,
        FinalSince,
        LeaseSession,
        LeaseFence,
    ];
    let values = BOUND.map(|_| bound()).into_iter();
    text(
        Query::insert()
            .into_table(Table)
            .columns(BOUND.into_iter().chain([CrashCount]))
            .values_panic(values.chain([Expr::cust("0")]))
            .on_conflict(OnConflict::column(Id).do_nothing().to_owned()),
    )
});

/// Reads a transaction; its blob is null where that was collected. Binds id.
pub(crate) static FIND_TRANSACTION: Statement = Statement::new(|| {
    let transactions = |column| (Transactions::Table, column);
    text(
        Query::select()
            .columns(READ.map(transactions))
            .expr_as(Expr::col((Blobs::Table, Blobs::Id)), Transactions::BlobId)
            .from(Transactions::Table)
            .left_join(
                Blobs::Table,
                Expr::col((Blobs::Table, Blobs::Id)).equals(transactions(Transactions::BlobId)),
            )
            .and_where(Expr::col(transactions(Transactions::Id)).eq(bound())),
    )
});

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
            .expr_as(count(is_unfinished().and(is_not_leased())), "waiting")
            .expr_as(count(leased), "leased")
            .expr_as(count(finished), "finished"),
    )
});
