//! SQL: one function, one statement.
//!
//! Texts are built once, by sea-query. Parameters are bound by hand, in the order in which they
//! stand in the text.

mod attempt;
mod ban;
mod blob;
mod bulk;
mod change;
mod collect;
mod control;
mod cursor;
mod destination;
mod draft;
mod event;
mod lease;
mod list;
mod part;
#[cfg(test)]
mod plans;
mod replica;
mod schema;
mod session;
mod settle;
mod statement;
mod summary;
mod suppression;
mod transaction;

pub(crate) use self::{
    attempt::{ADD_ATTEMPT, ADD_ATTEMPTS, ADDED, DELETE_ATTEMPTS, INSERT_ATTEMPTS, LIST_ATTEMPTS},
    ban::{BANS_CHANGED, BANS_KEPT},
    blob::{
        CREATE_BLOB, EXTEND_BLOB, FIND_BLOB, FINISH_BLOB, INSERT_BLOB, INSERT_BLOBS, INSERT_CHUNKS,
        READ_BLOB, READ_SMALL_BLOBS,
    },
    change::{HOLD, JUDGE, RELEASE_HELD, RETRY},
    collect::{
        DATE_FINISHED, DELETE_BLOB, DELETE_CHUNKS, DELETE_FINISHED, FIND_ORPHANS, LOCK_BLOBS,
    },
    control::{
        BEGIN, CHECKPOINT, COMMIT, FREE_PAGES, MARK, PROBE, RETURN_TO_MARK, ROLLBACK, UNMARK,
        VACUUM,
    },
    cursor::{FIND_CURSOR, HOLD_READER, KEEP_CURSOR, KEEP_CURSOR_OF, READER},
    destination::{
        COUNT_DESTINATION, COUNT_DESTINATIONS, FIND_DESTINATIONS, LIST_SUSPENSIONS,
        RENAME_DESTINATION, RESUME, SUSPEND,
    },
    draft::{COMPLETE, FIND_DRAFT},
    event::{BOUND_EVENTS, DELETE_EVENTS, FIND_CHANGED, INSERT_EVENTS, LAST_EVENT, LIST_EVENTS},
    lease::{
        LEASE, LEASE_COMPANIONS, LEASE_DUE, LEASE_FOR, LEASE_NOTIFICATIONS, LEASE_SUSPECTS, LOCK,
        NEXT_DUE, NEXT_SUSPECT, PARK,
    },
    list::{Page, list, list_summaries, select},
    part::{DELETE_PARTS, INSERT_PART},
    replica::{
        ADDRESS_OF, CLOCK, END_SESSION, FORGET_DEAD, GIVE_BACK, HOLDER, KEEP_SESSION,
        LIVE_SESSIONS, PUBLISH_ADDRESS, REFRESH_SESSION, REQUEST_CANCEL, TO_CANCEL,
    },
    session::{
        BRING_FORWARD, FIND_FORGOTTEN_LEASES, FIND_LEASES, FREE_LEASES, NEWEST_FINISHED,
        NEWEST_LEASED, NEWEST_WAITING, POSTPONE_LEASES,
    },
    settle::{HOLDS_LEASE, RELEASE, SETTLE, SETTLE_TOGETHER, SETTLED},
    statement::Statement,
    summary::{
        DELETE_SUMMARIES, FIND_SUMMARY, INSERT_SUMMARIES, NEWEST_SUMMARY, SUMMARY_CONVERSATION,
    },
    suppression::{DELETE_SUPPRESSIONS, KEEP_SUPPRESSION, LIST_SUPPRESSIONS, REMOVE_SUPPRESSION},
    transaction::{
        CENSUS, DEPTH, FIND_KEYED, FIND_TRANSACTION, INSERT_TRANSACTIONS, INSERT_WITH_ATTEMPTS,
    },
};

#[cfg(feature = "postgres")]
pub(crate) use self::{
    ban::BANS_CHANNEL,
    event::EVENTS_CHANNEL,
    replica::{AWAIT_WRITER, FORGET_WRITERS, LAST_COMMIT},
};

pub(crate) use crate::database::Values;

use sea_query::{Expr, ExprTrait, QueryStatementWriter, SqliteQueryBuilder};

use self::schema::Transactions;

/// A parameter to be bound.
fn bound() -> Expr {
    Expr::val(0)
}

/// The names of columns.
fn names<N: sea_query::Iden>(columns: &[N]) -> Vec<String> {
    let names = columns.iter().map(|column| column.unquoted().to_owned());
    names.collect()
}

fn text(statement: &impl QueryStatementWriter) -> String {
    let (text, _values) = statement.build(SqliteQueryBuilder);
    text
}

/// Work is left to do.
fn is_unfinished() -> Expr {
    Expr::col(Transactions::FinalReason).is_null()
}

/// It was leased during a crash, and no attempt at it has ended since.
fn is_suspect() -> Expr {
    Expr::col(Transactions::CrashCount).gt(Expr::cust("0"))
}

fn is_not_leased() -> Expr {
    Expr::col(Transactions::LeaseSession).is_null()
}

fn is_not_held() -> Expr {
    Expr::col(Transactions::Held).is_null()
}

/// Whether it waits. Every waiting transaction has a due time; naming it leads SQLite to the index.
fn is_waiting() -> Expr {
    let is_due = Expr::col(Transactions::DueAt).gt(Expr::cust("-9223372036854775807"));
    is_unfinished()
        .and(is_not_leased())
        .and(is_not_held())
        .and(is_due)
}
