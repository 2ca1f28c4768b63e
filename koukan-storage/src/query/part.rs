//! Parts of compositions.

use sea_query::{CaseStatement, Expr, ExprTrait, Func, Query};

use crate::database::Dialect;

use super::{
    Statement, bound,
    schema::{Blobs, Parts, Transactions},
    text,
};

/// The alias of the parts of a transaction.
pub(super) const PARTS: &str = "parts";

/// Writes a part. Binds transaction, position, name, blob, len.
pub(crate) static INSERT_PART: Statement = Statement::new(|_| {
    use Parts::{BlobId, Len, Name, Position, Table, TransactionId};
    let columns = [TransactionId, Position, Name, BlobId, Len];
    text(
        Query::insert()
            .into_table(Table)
            .columns(columns)
            .values_panic(columns.map(|_| bound())),
    )
});

/// Removes the parts of a transaction. Binds transaction.
pub(crate) static DELETE_PARTS: Statement = Statement::new(|_| {
    text(
        Query::delete()
            .from_table(Parts::Table)
            .and_where(Expr::col(Parts::TransactionId).eq(bound())),
    )
});

/// The parts of a transaction whose blobs exist, as JSON; null where the message has no parts. In
/// that case nothing is looked up.
pub(super) fn parts(dialect: Dialect) -> Expr {
    let columns = [Parts::Position, Parts::Name, Parts::BlobId, Parts::Len];
    let columns = columns.map(|column| Expr::col((Parts::Table, column)));
    let part =
        Func::cust(dialect.choose("json_array", "json_build_array").to_owned()).args(columns);
    let parts = Query::select()
        .expr(match dialect {
            Dialect::Sqlite => Expr::from(Func::cust("json_group_array").arg(part)),
            Dialect::Postgres => Expr::from(Func::cust("json_agg").arg(part)).cast_as("text"),
        })
        .from(Parts::Table)
        .inner_join(
            Blobs::Table,
            Expr::col((Blobs::Table, Blobs::Id)).equals((Parts::Table, Parts::BlobId)),
        )
        .and_where(
            Expr::col((Parts::Table, Parts::TransactionId))
                .equals((Transactions::Table, Transactions::Id)),
        )
        .to_owned();
    let kind = Expr::col((Transactions::Table, Transactions::BodyKind));
    CaseStatement::new()
        .case(kind.is_not_null(), Expr::from(parts))
        .into()
}
