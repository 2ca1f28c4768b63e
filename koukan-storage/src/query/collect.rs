//! Removal of garbage.

use sea_query::{Expr, ExprTrait, Order, Query};

use super::{
    Statement, bound, is_unfinished,
    schema::{Blobs, Chunks, Parts, Transactions},
    text,
};

/// Sets a date for final transactions that have none. Binds now.
pub(crate) static DATE_FINISHED: Statement = Statement::new(|_| {
    text(
        Query::update()
            .table(Transactions::Table)
            .value(Transactions::FinalSince, bound())
            .and_where(Expr::col(Transactions::FinalReason).is_not_null())
            .and_where(Expr::col(Transactions::FinalSince).is_null()),
    )
});

/// Removes final transactions. Binds the latest time since which they are final, limit.
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

/// Finds blobs to which no unfinished transaction refers. Binds the time before which they were
/// created, limit; gives id, len.
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

/// Removes a blob unless an unfinished transaction refers to it. Binds id.
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

/// Locks blobs: waits for commits that refer to them, and makes later ones wait. Binds ids.
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
