//! Commits and checkpoints.

use super::Statement;

/// Begins a commit. The lock is taken at once: a transaction that reads before it writes could not
/// wait for others.
pub(crate) static BEGIN: Statement =
    Statement::new(|dialect| dialect.choose("BEGIN IMMEDIATE", "BEGIN").into());

/// Makes the writes durable.
pub(crate) static COMMIT: Statement = Statement::new(|_| "COMMIT".into());

/// Undoes the writes.
pub(crate) static ROLLBACK: Statement = Statement::new(|_| "ROLLBACK".into());

/// Begins a part of a commit that can be undone alone.
pub(crate) static MARK: Statement = Statement::new(|_| "SAVEPOINT together".into());

/// Undoes the writes since the mark.
pub(crate) static RETURN_TO_MARK: Statement = Statement::new(|_| "ROLLBACK TO together".into());

/// Forgets the mark.
pub(crate) static UNMARK: Statement = Statement::new(|_| "RELEASE together".into());

/// Reads as little as possible from each table.
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

/// Copies as much of the log as possible into the database, without waiting for anyone. Gives
/// whether something prevented it, pages in the log, pages copied.
pub(crate) static CHECKPOINT: Statement =
    Statement::new(|_| "PRAGMA wal_checkpoint(PASSIVE)".into());

/// Counts pages. Gives free pages, all pages.
pub(crate) static FREE_PAGES: Statement = Statement::new(|_| {
    "SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count".into()
});

/// Removes free pages from the end of the database, at most 1024 (4 MiB). Used pages behind them
/// are moved first.
pub(crate) static VACUUM: Statement = Statement::new(|_| "PRAGMA incremental_vacuum(1024)".into());
