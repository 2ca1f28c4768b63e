//! Leases of due transactions.

use koukan_core::storage::record::Work;
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement, UpdateStatement};

use super::{
    Statement,
    attempt::{LAST_ATTEMPT, last_attempt},
    bound, is_not_held, is_not_leased, is_suspect, is_unfinished,
    part::{PARTS, parts},
    schema::Transactions,
    text,
    transaction::READ,
};
use crate::{database::Dialect, row::work_as_str};

/// Leases due transactions that were in no crash, except attempts for some destinations. Binds
/// session, now, destinations, limit; gives what was leased, in any order.
pub(crate) static LEASE_DUE: Statement = Statement::new(|dialect| {
    let due = Expr::col(Transactions::DueAt);
    let due = waiting(&mut Query::select())
        .column(Transactions::Id)
        .and_where(is_suspect().not())
        .and_where(due.lte(bound()))
        .and_where(is_not_for(dialect))
        .order_by(Transactions::DueAt, Order::Asc)
        .limit(1)
        .to_owned();
    take(dialect, &due)
});

/// Leases due attempts for one destination that were in no crash. Binds session, destination, now,
/// limit; gives what was leased, in any order.
pub(crate) static LEASE_FOR: Statement = Statement::new(|dialect| {
    let due = waiting(&mut Query::select())
        .column(Transactions::Id)
        .and_where(is_attempt())
        .and_where(Expr::col(Transactions::Destination).eq(bound()))
        .and_where(Expr::cust(IS_NOT_SUSPENDED))
        .and_where(is_suspect().not())
        .and_where(Expr::col(Transactions::DueAt).lte(bound()))
        .order_by(Transactions::DueAt, Order::Asc)
        .limit(1)
        .to_owned();
    take(dialect, &due)
});

/// As [`LEASE_DUE`], for transactions that were in crashes; those in few crashes first.
pub(crate) static LEASE_SUSPECTS: Statement = Statement::new(|dialect| {
    // There are few suspects. The plus keeps SQLite from using the index of all waiting
    // transactions.
    let due = Expr::cust(dialect.choose(r#"+"due_at""#, r#""due_at""#).to_owned());
    let due = waiting(&mut Query::select())
        .column(Transactions::Id)
        .and_where(is_suspect())
        .and_where(due.lte(bound()))
        .and_where(is_not_for(dialect))
        .order_by(Transactions::CrashCount, Order::Asc)
        .order_by(Transactions::DueAt, Order::Asc)
        .limit(1)
        .to_owned();
    take(dialect, &due)
});

/// Leases attempts at one message for one destination that were in no crash. Binds session, message
/// key, destination, now, limit; gives what was leased, in any order.
pub(crate) static LEASE_COMPANIONS: Statement = Statement::new(|dialect| {
    let due = waiting(&mut Query::select())
        .column(Transactions::Id)
        .and_where(Expr::col(Transactions::MessageKey).eq(bound()))
        .and_where(Expr::col(Transactions::Destination).eq(bound()))
        .and_where(Expr::col(Transactions::DueAt).lte(bound()))
        .and_where(is_attempt())
        .and_where(Expr::cust(IS_NOT_SUSPENDED))
        .and_where(is_suspect().not())
        .order_by(Transactions::DueAt, Order::Asc)
        .limit(1)
        .to_owned();
    take(dialect, &due)
});

/// Leases pending notifications about one message that were in no crash. Binds session, message key, now,
/// limit; gives what was leased, in any order.
pub(crate) static LEASE_NOTIFICATIONS: Statement = Statement::new(|dialect| {
    let due = waiting(&mut Query::select())
        .column(Transactions::Id)
        .and_where(Expr::col(Transactions::MessageKey).eq(bound()))
        .and_where(Expr::col(Transactions::DueAt).lte(bound()))
        .and_where(is_work(Work::Notify))
        .and_where(is_suspect().not())
        .limit(1)
        .to_owned();
    take(dialect, &due)
});

/// Leases one transaction. Binds session, id, work or null twice. Gives it if it is unfinished, not
/// leased, and has that work to do; for that work it must not be held.
pub(crate) static LEASE: Statement = Statement::new(|dialect| {
    let work = Func::coalesce([bound(), Expr::col(Transactions::Work)]);
    text(
        lease(dialect)
            .and_where(Expr::col(Transactions::Id).eq(bound()))
            .and_where(Expr::col(Transactions::Work).eq(work))
            .and_where(Expr::cust_with_expr(
                format!(
                    r#"(? IS NULL OR ("held" IS NULL AND ({})))"#,
                    is_not_stopped()
                ),
                bound(),
            ))
            .and_where(is_unfinished())
            .and_where(is_not_leased()),
    )
});

/// Locks transactions in PostgreSQL: waits for commits that write them, and makes later ones wait. A statement that
/// reads them afterwards sees those commits. Binds ids.
pub(crate) static LOCK: Statement = Statement::new(|_| {
    "SELECT id FROM transactions WHERE id = ANY(?) ORDER BY id FOR NO KEY UPDATE".into()
});

/// A condition: not an attempt for a suspended destination.
fn is_not_stopped() -> String {
    format!(
        r#""work" <> '{}' OR {IS_NOT_SUSPENDED}"#,
        work_as_str(Work::Attempt)
    )
}

const IS_NOT_SUSPENDED: &str = r#""host" NOT IN (SELECT "host" FROM "suspensions")"#;

/// A condition: not an attempt for one of these destinations, or for a suspended one. Binds the
/// destinations' texts.
fn is_not_for(dialect: Dialect) -> Expr {
    let is_other = Expr::cust(dialect.is_none_of(r#""destination""#, "?"));
    let is_free = is_other.and(Expr::cust(IS_NOT_SUSPENDED));
    is_attempt().not().or(is_free)
}

/// Leases due transactions. Where several connections do so at the same time, each skips what another takes,
/// and does not wait.
fn take(dialect: Dialect, due: &SelectStatement) -> String {
    let due = text(due) + dialect.choose("", " FOR NO KEY UPDATE SKIP LOCKED");
    let is_due = dialect.is_among(r#""id""#, &due);
    text(lease(dialect).and_where(Expr::cust(is_due)))
}

fn is_attempt() -> Expr {
    is_work(Work::Attempt)
}

fn is_work(work: Work) -> Expr {
    Expr::col(Transactions::Work).eq(Expr::cust(format!("'{}'", work_as_str(work))))
}

fn waiting(select: &mut SelectStatement) -> &mut SelectStatement {
    select
        .from(Transactions::Table)
        .and_where(is_unfinished())
        .and_where(is_not_leased())
        .and_where(is_not_held())
}

/// The blobs exist, since an unfinished transaction refers to them.
fn lease(dialect: Dialect) -> UpdateStatement {
    let columns = READ.into_iter().chain([Transactions::BlobId]);
    let parts = Expr::cust_with_expr(format!("? AS {PARTS}"), parts(dialect));
    let last = Expr::cust_with_expr(format!("? AS {LAST_ATTEMPT}"), last_attempt());
    let mut lease = Query::update();
    lease
        .table(Transactions::Table)
        .value(Transactions::LeaseSession, bound())
        .value(
            Transactions::LeaseFence,
            Expr::col(Transactions::LeaseFence).add(Expr::cust("1")),
        )
        .returning(Query::returning().exprs(columns.map(Expr::col).chain([parts, last])));
    lease
}

/// Ends the lease of a transaction that cannot be read, and postpones it. Binds due time, id.
pub(crate) static PARK: Statement = Statement::new(|_| {
    text(
        Query::update()
            .table(Transactions::Table)
            .value(Transactions::LeaseSession, Expr::cust("NULL"))
            .value(Transactions::DueAt, bound())
            .and_where(Expr::col(Transactions::Id).eq(bound())),
    )
});

/// When the next transaction that was in no crash is due, except attempts for some destinations.
/// Binds those.
pub(crate) static NEXT_DUE: Statement = Statement::new(|dialect| {
    text(
        waiting(&mut Query::select())
            .expr(Expr::col(Transactions::DueAt).min())
            .and_where(is_suspect().not())
            .and_where(is_not_for(dialect)),
    )
});

/// As [`NEXT_DUE`], for transactions that were in a crash.
pub(crate) static NEXT_SUSPECT: Statement = Statement::new(|dialect| {
    text(
        waiting(&mut Query::select())
            .expr(Expr::cust(
                dialect
                    .choose(r#"min(+"due_at")"#, r#"min("due_at")"#)
                    .to_owned(),
            ))
            .and_where(is_suspect())
            .and_where(is_not_for(dialect)),
    )
});
