//! Leases of due transactions.

use sea_query::{Expr, ExprTrait, Order, Query, UpdateStatement};

use super::{
    Statement, bound, is_not_leased, is_unfinished,
    part::{PARTS, parts},
    schema::Transactions,
    text,
    transaction::READ,
};

/// Takes due transactions under lease. Binds session, now, limit; gives what was leased, in any
/// order.
pub(crate) static LEASE_DUE: Statement = Statement::new(|| {
    let due = Query::select()
        .column(Transactions::Id)
        .from(Transactions::Table)
        .and_where(is_unfinished())
        .and_where(is_not_leased())
        .and_where(Expr::col(Transactions::DueAt).lte(bound()))
        .order_by(Transactions::DueAt, Order::Asc)
        .limit(1)
        .to_owned();
    text(lease().and_where(Expr::col(Transactions::Id).in_subquery(due)))
});

/// Takes a transaction under lease. Binds session, id; gives it if it is unfinished and was not
/// under lease.
pub(crate) static LEASE: Statement = Statement::new(|| {
    text(
        lease()
            .and_where(Expr::col(Transactions::Id).eq(bound()))
            .and_where(is_unfinished())
            .and_where(is_not_leased()),
    )
});

/// The blobs are there, since what is unfinished refers to them.
fn lease() -> UpdateStatement {
    let columns = READ.into_iter().chain([Transactions::BlobId]);
    let parts = Expr::cust_with_expr(format!("? AS {PARTS}"), parts());
    let mut lease = Query::update();
    lease
        .table(Transactions::Table)
        .value(Transactions::LeaseSession, bound())
        .value(
            Transactions::LeaseFence,
            Expr::col(Transactions::LeaseFence).add(Expr::cust("1")),
        )
        .returning(Query::returning().exprs(columns.map(Expr::col).chain([parts])));
    lease
}

/// Ends the lease of a transaction that cannot be read, and puts it off. Binds due time, row id.
pub(crate) static PARK: Statement = Statement::new(|| {
    text(
        Query::update()
            .table(Transactions::Table)
            .value(Transactions::LeaseSession, Expr::cust("NULL"))
            .value(Transactions::DueAt, bound())
            .and_where(Expr::col(Transactions::RowId).eq(bound())),
    )
});

/// When the next transaction is due.
pub(crate) static NEXT_DUE: Statement = Statement::new(|| {
    text(
        Query::select()
            .expr(Expr::col(Transactions::DueAt).min())
            .from(Transactions::Table)
            .and_where(is_unfinished())
            .and_where(is_not_leased()),
    )
});
