//! Ends of leases.

use sea_query::{Expr, ExprTrait, Func, Query, UpdateStatement};

use super::{Statement, bound, bulk::unnest, schema::Transactions, text};

/// Writes the outcome for a transaction, if the lease is held. Binds recipients, attempts to add, the last attempt's
/// end and reply or nulls, due time, work, final reason, final since, whether an attempt is to be made; id, session,
/// fence.
pub(crate) static SETTLE: Statement = Statement::new(|_| {
    let attempted = [bound(), Expr::col(Transactions::Attempted)];
    let last_reply = [bound(), Expr::col(Transactions::LastReply)];
    let mut update = end_lease();
    update
        .value(Transactions::Recipients, bound())
        .value(
            Transactions::AttemptCount,
            Expr::col(Transactions::AttemptCount).add(bound()),
        )
        .value(Transactions::Attempted, Func::coalesce(attempted))
        .value(Transactions::LastReply, Func::coalesce(last_reply))
        .value(Transactions::DueAt, bound())
        .value(Transactions::Work, bound())
        .value(Transactions::FinalReason, bound())
        .value(Transactions::FinalSince, bound())
        .value(
            Transactions::Held,
            Expr::cust_with_expr(r#"CASE WHEN ? THEN "held" END"#, bound()),
        )
        .value(Transactions::CrashCount, Expr::cust("0"));
    text(&update)
});

/// As [`SETTLE`], for any number of different leases, in PostgreSQL. Binds lists of the same values and of positions;
/// gives the positions of those whose leases are held.
pub(crate) static SETTLE_TOGETHER: Statement = Statement::new(|_| {
    let rows = unnest(SETTLED.len());
    format!(
        "UPDATE transactions SET lease_session = NULL, recipients = new.recipients, \
         attempt_count = attempt_count + new.attempts, \
         attempted = coalesce(new.attempted, transactions.attempted), \
         last_reply = coalesce(new.last_reply, transactions.last_reply), \
         due_at = new.due_at, work = new.work, \
         final_reason = new.final_reason, final_since = new.final_since, \
         held = CASE WHEN new.is_attempt THEN held END, crash_count = 0 \
         FROM {rows} AS new ({}) WHERE transactions.id = new.id \
         AND coalesce(transactions.lease_session, '') = new.session AND transactions.lease_fence = new.fence \
         RETURNING new.place",
        SETTLED.join(", ")
    )
});

/// The values of a settlement, in order.
pub(crate) const SETTLED: [&str; 13] = [
    "recipients",
    "attempts",
    "attempted",
    "last_reply",
    "due_at",
    "work",
    "final_reason",
    "final_since",
    "is_attempt",
    "id",
    "session",
    "fence",
    "place",
];

/// Gives a lease back, if it is held. Binds id, session, fence.
pub(crate) static RELEASE: Statement = Statement::new(|_| text(&end_lease()));

/// The session that holds the lease. It is not the plain column: that would lead PostgreSQL to the index of leased
/// transactions, if there were few of them when it last looked.
fn leaser() -> Expr {
    Func::coalesce([Expr::col(Transactions::LeaseSession), Expr::cust("''")]).into()
}

fn end_lease() -> UpdateStatement {
    let mut update = Query::update();
    update
        .table(Transactions::Table)
        .value(Transactions::LeaseSession, Expr::cust("NULL"))
        .and_where(Expr::col(Transactions::Id).eq(bound()))
        .and_where(leaser().eq(bound()))
        .and_where(Expr::col(Transactions::LeaseFence).eq(bound()));
    update
}

/// Gives a row if the lease is held, and keeps it from ending before the commit; the row says whether the notification
/// exists already. Binds the notification's id; id, session, fence.
pub(crate) static HOLDS_LEASE: Statement = Statement::new(|dialect| {
    let notification = Query::select()
        .expr(Expr::cust("1"))
        .from(Transactions::Table)
        .and_where(Expr::col(Transactions::Id).eq(bound()))
        .to_owned();
    let holds = text(
        Query::select()
            .expr_as(Expr::exists(notification), "is_duplicate")
            .from(Transactions::Table)
            .and_where(Expr::col(Transactions::Id).eq(bound()))
            .and_where(leaser().eq(bound()))
            .and_where(Expr::col(Transactions::LeaseFence).eq(bound())),
    );
    holds + dialect.choose("", " FOR NO KEY UPDATE")
});
