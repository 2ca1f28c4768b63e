//! Drafts.

use sea_query::{Condition, Expr, ExprTrait, Query};

use crate::row::ABANDON;

use super::{Statement, bound, schema::Transactions, text, transaction::REST};

/// Finds a draft that can be completed, and keeps it from being leased before the commit. Binds id, sender; gives
/// body_kind, attempt_count.
pub(crate) static FIND_DRAFT: Statement = Statement::new(|dialect| {
    let found = text(
        Query::select()
            .columns([Transactions::BodyKind, Transactions::AttemptCount])
            .from(Transactions::Table)
            .cond_where(is_open_draft()),
    );
    found + dialect.choose("", " FOR NO KEY UPDATE")
});

/// Replaces a draft by its transaction. Binds the [`REST`]; id, sender.
pub(crate) static COMPLETE: Statement = Statement::new(|_| {
    text(
        Query::update()
            .table(Transactions::Table)
            .values(REST.map(|column| (column, bound())))
            .value(Transactions::CrashCount, Expr::cust("0"))
            .cond_where(is_open_draft()),
    )
});

/// The condition: a draft with this identity and sender that was never leased.
fn is_open_draft() -> Condition {
    Condition::all()
        .add(Expr::col(Transactions::Id).eq(bound()))
        .add(Expr::col(Transactions::Sender).eq(bound()))
        .add(Expr::col(Transactions::Work).eq(Expr::cust(format!("'{ABANDON}'"))))
        .add(Expr::col(Transactions::LeaseFence).eq(Expr::cust("0")))
}
