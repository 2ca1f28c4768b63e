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

/// Takes a reader for a session that lives, unless another has it that does. Binds reader, session.
pub(crate) static HOLD_READER: Statement = Statement::new(|_| {
    "INSERT INTO readers (name, holder) SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT) \
     WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?2 AND expires > clock_timestamp()) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder \
     WHERE readers.holder = excluded.holder OR NOT EXISTS \
     (SELECT 1 FROM sessions WHERE id = readers.holder AND expires > clock_timestamp())"
        .into()
});

/// Writes how far a reader has come, where a session has it: until the commit nobody takes it. Binds name, number,
/// reader, session.
pub(crate) static KEEP_CURSOR_OF: Statement = Statement::new(|_| {
    "INSERT INTO cursors (name, number) SELECT CAST(?1 AS TEXT), CAST(?2 AS BIGINT) \
     FROM (SELECT 1 FROM readers WHERE name = ?3 AND holder = ?4 FOR SHARE) AS held \
     ON CONFLICT (name) DO UPDATE SET number = excluded.number"
        .into()
});

/// The session that has a reader, if it lives. Binds reader.
pub(crate) static READER: Statement = Statement::new(|_| {
    "SELECT holder FROM readers WHERE name = ? AND EXISTS \
     (SELECT 1 FROM sessions WHERE id = readers.holder AND expires > clock_timestamp())"
        .into()
});
