//! Statements for the start of a session: leases of dead sessions, and times.

use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement, UpdateStatement};

use crate::database::Dialect;

use super::{
    Statement, bound, change::earliest, is_not_leased, is_unfinished, schema::Transactions, text,
};

/// Gives the session and crash count of all leases, each pair once.
pub(crate) static FIND_LEASES: Statement = Statement::new(|_| {
    text(
        Query::select()
            .distinct()
            .columns([Transactions::LeaseSession, Transactions::CrashCount])
            .from(Transactions::Table)
            .and_where(Expr::col(Transactions::LeaseSession).is_not_null()),
    )
});

/// As [`FIND_LEASES`], for sessions that were removed, in a database that several processes share. It is a
/// single statement: a session that begins later has no leases yet.
pub(crate) static FIND_FORGOTTEN_LEASES: Statement = Statement::new(|_| {
    "SELECT DISTINCT lease_session, crash_count FROM transactions WHERE lease_session IS NOT NULL \
     AND lease_session NOT IN (SELECT id FROM sessions)"
        .into()
});

/// Frees leases. The transactions are due now at the latest. Binds now; session, crash count.
pub(crate) static FREE_LEASES: Statement = Statement::new(|dialect| {
    let now = Func::cust(dialect.least()).args([Expr::col(Transactions::DueAt), bound()]);
    text(&free_leases(now.into()))
});

/// Frees leases. The transactions are due at the given time. Binds due time; session, crash count.
pub(crate) static POSTPONE_LEASES: Statement = Statement::new(|_| text(&free_leases(bound())));

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

/// The latest time since which a transaction is final.
pub(crate) static NEWEST_FINISHED: Statement = Statement::new(|_| {
    text(
        Query::select()
            .expr(Expr::col(Transactions::FinalSince).max())
            .from(Transactions::Table)
            .and_where(Expr::col(Transactions::FinalReason).is_not_null()),
    )
});

/// The latest time at which a waiting transaction was created or attempted.
pub(crate) static NEWEST_WAITING: Statement =
    Statement::new(|dialect| text(newest(dialect, is_unfinished()).and_where(is_not_leased())));

/// As [`NEWEST_WAITING`], for leased transactions.
pub(crate) static NEWEST_LEASED: Statement = Statement::new(|dialect| {
    let is_leased = Expr::col(Transactions::LeaseSession).is_not_null();
    text(&newest(dialect, is_leased))
});

fn newest(dialect: Dialect, condition: Expr) -> SelectStatement {
    let greatest = dialect.greatest();
    let newest = format!(r#"max({greatest}("created", coalesce("attempted", "created")))"#);
    Query::select()
        .expr(Expr::cust(newest))
        .from(Transactions::Table)
        .and_where(condition)
        .to_owned()
}

/// Makes unfinished transactions due earlier; those that wait for their earliest time, not before that.
/// Binds the number of microseconds.
pub(crate) static BRING_FORWARD: Statement = Statement::new(|dialect| {
    let earlier = Expr::col(Transactions::DueAt).sub(bound());
    let due = Func::cust(dialect.greatest()).args([earlier, Expr::cust(earliest())]);
    text(
        Query::update()
            .table(Transactions::Table)
            .value(Transactions::DueAt, due)
            .and_where(is_unfinished()),
    )
});
