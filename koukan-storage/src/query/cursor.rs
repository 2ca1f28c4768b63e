//! How far readers of events have come.

use super::Statement;

/// Writes how far a reader has come. Binds name, number.
pub(crate) static KEEP_CURSOR: Statement = Statement::new(|_| {
    "INSERT INTO cursors (name, number) VALUES (?, ?) \
     ON CONFLICT (name) DO UPDATE SET number = excluded.number"
        .into()
});

/// How far a reader has come. Binds name.
pub(crate) static FIND_CURSOR: Statement =
    Statement::new(|_| "SELECT number FROM cursors WHERE name = ?".into());
