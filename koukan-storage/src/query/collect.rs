//! Garbage.

use sea_query::{Expr, ExprTrait, Order, Query};

use super::{
    Statement, bound, is_unfinished,
    schema::{Blobs, Chunks, Parts, Transactions},
    text,
};

/// Gives a date to transactions that have been final since nobody knows when. Binds now.
pub(crate) static DATE_FINISHED: Statement = Statement::new(|_| {
    text(
        Query::update()
            .table(Transactions::Table)
            .value(Transactions::FinalSince, bound())
            .and_where(Expr::col(Transactions::FinalReason).is_not_null())
            .and_where(Expr::col(Transactions::FinalSince).is_null()),
    )
});

/// Removes transactions that are final. Binds since when at the latest, limit.
pub(crate) static DELETE_FINISHED: Statement = Statement::new(|dialect| {
    let finished = Query::select()
        .column(Transactions::Id)
        .from(Transactions::Table)
        .and_where(Expr::col(Transactions::FinalReason).is_not_null())
        .and_where(Expr::col(Transactions::FinalSince).lt(bound()))
        .order_by(Transactions::FinalSince, Order::Asc)
        .limit(1)
        .to_owned();
    text(
        Query::delete()
            .from_table(Transactions::Table)
            .and_where(Expr::cust(dialect.is_among(r#""id""#, &text(&finished)))),
    )
});

/// Finds blobs that nothing unfinished refers to. Binds the creation time before which, limit;
/// gives id, len.
pub(crate) static FIND_ORPHANS: Statement = Statement::new(|_| {
    text(
        Query::select()
            .columns([Blobs::Id, Blobs::Len])
            .from(Blobs::Table)
            .and_where(Expr::col(Blobs::Created).lt(bound()))
            .and_where(is_orphan())
            .limit(1),
    )
});

/// Removes a blob unless something unfinished refers to it. Binds id.
pub(crate) static DELETE_BLOB: Statement = Statement::new(|_| {
    text(
        Query::delete()
            .from_table(Blobs::Table)
            .and_where(Expr::col(Blobs::Id).eq(bound()))
            .and_where(is_orphan()),
    )
});

fn is_orphan() -> Expr {
    let blob = Expr::col((Transactions::Table, Transactions::BlobId));
    let bodies = Query::select()
        .expr(Expr::cust("1"))
        .from(Transactions::Table)
        .and_where(blob.equals((Blobs::Table, Blobs::Id)))
        .and_where(is_unfinished())
        .to_owned();
    let part = Expr::col((Parts::Table, Parts::BlobId));
    let parts = Query::select()
        .expr(Expr::cust("1"))
        .from(Parts::Table)
        .inner_join(
            Transactions::Table,
            Expr::col((Transactions::Table, Transactions::Id))
                .equals((Parts::Table, Parts::TransactionId)),
        )
        .and_where(part.equals((Blobs::Table, Blobs::Id)))
        .and_where(is_unfinished())
        .to_owned();
    Expr::not_exists(bodies).and(Expr::not_exists(parts))
}

/// Waits for those who refer to blobs in a commit that is under way, and keeps others from it. Binds ids.
pub(crate) static LOCK_BLOBS: Statement =
    Statement::new(|_| "SELECT id FROM blobs WHERE id = ANY(?) ORDER BY id FOR UPDATE".into());

/// Removes the octets of a blob. Binds blob.
pub(crate) static DELETE_CHUNKS: Statement = Statement::new(|_| {
    text(
        Query::delete()
            .from_table(Chunks::Table)
            .and_where(Expr::col(Chunks::BlobId).eq(bound())),
    )
});
