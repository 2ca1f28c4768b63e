//! The positions of readers of events.

use super::Statement;

/// Writes the position of a reader. Binds name, number.
pub(crate) static KEEP_CURSOR: Statement = Statement::new(|_| {
    "INSERT INTO cursors (name, number) VALUES (?, ?) \
     ON CONFLICT (name) DO UPDATE SET number = excluded.number"
        .into()
});

/// The position of a reader. Binds name.
pub(crate) static FIND_CURSOR: Statement =
    Statement::new(|_| "SELECT number FROM cursors WHERE name = ?".into());

/// Gives a reader to a live session, unless another live session has it. Binds reader, session.
pub(crate) static HOLD_READER: Statement = Statement::new(|_| {
    "INSERT INTO readers (name, holder) SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT) \
     WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?2 AND expires > clock_timestamp()) \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder \
     WHERE readers.holder = excluded.holder OR NOT EXISTS \
     (SELECT 1 FROM sessions WHERE id = readers.holder AND expires > clock_timestamp())"
        .into()
});

/// Writes the position of a reader if the session has it. Nobody else takes the reader before the commit. Binds
/// name, number, reader, session.
pub(crate) static KEEP_CURSOR_OF: Statement = Statement::new(|_| {
    "INSERT INTO cursors (name, number) SELECT CAST(?1 AS TEXT), CAST(?2 AS BIGINT) \
     FROM (SELECT 1 FROM readers WHERE name = ?3 AND holder = ?4 FOR SHARE) AS held \
     ON CONFLICT (name) DO UPDATE SET number = excluded.number"
        .into()
});

/// The session that has a reader, if it is alive. Binds reader.
pub(crate) static READER: Statement = Statement::new(|_| {
    "SELECT holder FROM readers WHERE name = ? AND EXISTS \
     (SELECT 1 FROM sessions WHERE id = readers.holder AND expires > clock_timestamp())"
        .into()
});
