//! Commits and checkpoints.

use super::Statement;

/// Begins a commit; immediately, since one that read before it wrote could not wait for others.
pub(crate) static BEGIN: Statement =
    Statement::new(|dialect| dialect.choose("BEGIN IMMEDIATE", "BEGIN").into());

/// Makes what was written durable.
pub(crate) static COMMIT: Statement = Statement::new(|_| "COMMIT".into());

/// Takes back what was written.
pub(crate) static ROLLBACK: Statement = Statement::new(|_| "ROLLBACK".into());

/// Begins what may be taken back within a commit.
pub(crate) static MARK: Statement = Statement::new(|_| "SAVEPOINT together".into());

/// Takes back what was written since the mark.
pub(crate) static RETURN_TO_MARK: Statement = Statement::new(|_| "ROLLBACK TO together".into());

/// Forgets the mark.
pub(crate) static UNMARK: Statement = Statement::new(|_| "RELEASE together".into());

/// Reads the least there is to read of each table.
pub(crate) static PROBE: Statement = Statement::new(|_| {
    let tables = [
        "transactions",
        "blobs",
        "chunks",
        "parts",
        "attempts",
        "summaries",
    ];
    let exists = tables.map(|table| format!("EXISTS (SELECT 1 FROM {table})"));
    format!("SELECT {}", exists.join(", "))
});

/// Copies what it can from the log into the database without waiting for anyone. Gives whether it
/// was kept from it, pages in the log, pages copied.
pub(crate) static CHECKPOINT: Statement =
    Statement::new(|_| "PRAGMA wal_checkpoint(PASSIVE)".into());

/// Counts pages. Gives those without content, all.
pub(crate) static FREE_PAGES: Statement = Statement::new(|_| {
    "SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count".into()
});

/// Takes pages without content off the end of the database, at most 1024, which are 4 MiB; what is
/// behind them is moved before.
pub(crate) static VACUUM: Statement = Statement::new(|_| "PRAGMA incremental_vacuum(1024)".into());
