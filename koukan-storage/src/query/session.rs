//! Leases of dead sessions.

use sea_query::{Expr, ExprTrait, Func, Query, UpdateStatement};

use super::{Statement, bound, schema::Transactions, text};

/// Gives session and crash count of all leases, each pair once.
pub(crate) static FIND_LEASES: Statement = Statement::new(|| {
    text(
        Query::select()
            .distinct()
            .columns([Transactions::LeaseSession, Transactions::CrashCount])
            .from(Transactions::Table)
            .and_where(Expr::col(Transactions::LeaseSession).is_not_null()),
    )
});

/// Frees leases; the transactions are due now at the latest. Binds now; session, crash count.
pub(crate) static FREE_LEASES: Statement = Statement::new(|| {
    let now = Func::cust("min").args([Expr::col(Transactions::DueAt), bound()]);
    text(&free_leases(now.into()))
});

/// Frees leases; the transactions are due at the time given. Binds due time; session, crash count.
pub(crate) static POSTPONE_LEASES: Statement = Statement::new(|| text(&free_leases(bound())));

fn free_leases(due: Expr) -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Transactions::Table)
        .value(Transactions::DueAt, due)
        .value(Transactions::LeaseSession, Expr::cust("NULL"))
        .value(
            Transactions::CrashCount,
            Expr::col(Transactions::CrashCount).add(Expr::cust("1")),
        )
        .and_where(Expr::col(Transactions::LeaseSession).eq(bound()))
        .and_where(Expr::col(Transactions::CrashCount).eq(bound()));
    update
}
