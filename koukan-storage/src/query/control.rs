//! Commits and checkpoints.

use super::Statement;

/// Begins a commit; immediately, since one that read before it wrote could not wait for others.
pub(crate) static BEGIN: Statement = Statement::new(|| "BEGIN IMMEDIATE".into());

/// Makes what was written durable.
pub(crate) static COMMIT: Statement = Statement::new(|| "COMMIT".into());

/// Takes back what was written.
pub(crate) static ROLLBACK: Statement = Statement::new(|| "ROLLBACK".into());

/// Copies what it can from the log into the database without waiting for anyone. Gives whether it
/// was kept from it, pages in the log, pages copied.
pub(crate) static CHECKPOINT: Statement =
    Statement::new(|| "PRAGMA wal_checkpoint(PASSIVE)".into());
