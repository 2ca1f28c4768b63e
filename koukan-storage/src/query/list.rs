//! Lists of transactions, newest first.
//!
//! What is final may be much, and is kept in the order of the list. What waits and what is under
//! lease is little beside it, so that it is found by its own index, and sorted.

use sea_query::{Expr, ExprTrait, Order, SelectStatement};

use super::{Statement, bound, is_waiting, schema::Transactions, text, transaction::read};

/// Reads transactions of a sender. Binds sender; created and id of the place before; limit.
pub(crate) static LIST: Statement = Statement::new(|| {
    let sender = Expr::col((Transactions::Table, Transactions::Sender));
    text(&list(sender))
});

/// As [`LIST`], those that are final.
pub(crate) static LIST_FINISHED: Statement = Statement::new(|| {
    let sender = Expr::col((Transactions::Table, Transactions::Sender));
    let is_final = Expr::col(Transactions::FinalReason).is_not_null();
    text(list(sender).and_where(is_final))
});

/// As [`LIST`], those that wait.
pub(crate) static LIST_WAITING: Statement =
    Statement::new(|| text(list(unindexed_sender()).and_where(is_waiting())));

/// As [`LIST`], those under lease.
pub(crate) static LIST_LEASED: Statement = Statement::new(|| {
    let is_leased = Expr::col(Transactions::LeaseSession).is_not_null();
    text(list(unindexed_sender()).and_where(is_leased))
});

/// Keeps SQLite from the index of lists.
fn unindexed_sender() -> Expr {
    Expr::cust(r#"+"transactions"."sender""#)
}

fn list(sender: Expr) -> SelectStatement {
    let created = (Transactions::Table, Transactions::Created);
    let id = (Transactions::Table, Transactions::Id);
    let place = Expr::tuple([Expr::col(created), Expr::col(id)]);
    let mut list = read();
    list.and_where(sender.eq(bound()))
        .and_where(place.lt(Expr::tuple([bound(), bound()])))
        .order_by(created, Order::Desc)
        .order_by(id, Order::Desc)
        .limit(1);
    list
}
