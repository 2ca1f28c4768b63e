//! Sessions of several processes that share a database. All times are by its clock.

use super::Statement;

/// The database's clock, in microseconds since 1970.
pub(crate) static CLOCK: Statement = Statement::new(|_| {
    "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)".into()
});

/// Removes dead sessions.
pub(crate) static FORGET_DEAD: Statement =
    Statement::new(|_| "DELETE FROM sessions WHERE expires <= clock_timestamp()".into());

/// Writes that a session lives. Binds id, term in microseconds.
pub(crate) static KEEP_SESSION: Statement = Statement::new(|_| {
    "INSERT INTO sessions (id, expires) \
     VALUES (?1, clock_timestamp() + ?2 * INTERVAL '1 microsecond') \
     ON CONFLICT (id) DO UPDATE SET expires = excluded.expires"
        .into()
});

/// Extends a session, unless it is dead. Binds id, term in microseconds.
pub(crate) static REFRESH_SESSION: Statement = Statement::new(|_| {
    "UPDATE sessions SET expires = clock_timestamp() + ?2 * INTERVAL '1 microsecond' \
     WHERE id = ?1 AND expires > clock_timestamp()"
        .into()
});

/// Lists the live sessions: id, address.
pub(crate) static LIVE_SESSIONS: Statement =
    Statement::new(|_| "SELECT id, address FROM sessions WHERE expires > clock_timestamp()".into());

/// Removes a session. Binds id.
pub(crate) static END_SESSION: Statement =
    Statement::new(|_| "DELETE FROM sessions WHERE id = ?".into());

/// Gives back the leases of a session, unchanged. Binds session.
pub(crate) static GIVE_BACK: Statement = Statement::new(|_| {
    "UPDATE transactions SET lease_session = NULL WHERE lease_session = ?".into()
});

/// Writes that a transaction is to be cancelled. Binds id.
pub(crate) static REQUEST_CANCEL: Statement = Statement::new(|_| {
    "UPDATE transactions SET is_to_cancel = TRUE WHERE id = ? AND final_reason IS NULL".into()
});

/// Lists some transactions that are to be cancelled and are leased by this session or by none.
/// Binds session.
pub(crate) static TO_CANCEL: Statement = Statement::new(|_| {
    "SELECT id FROM transactions WHERE is_to_cancel AND final_reason IS NULL \
     AND (lease_session IS NULL OR lease_session = ?) ORDER BY id LIMIT 256"
        .into()
});

/// Writes the address for requests about a session's transactions, unless the session is dead. Binds
/// id, address.
pub(crate) static PUBLISH_ADDRESS: Statement = Statement::new(|_| {
    "UPDATE sessions SET address = ?2 WHERE id = ?1 AND expires > clock_timestamp()".into()
});

/// The address for requests about a session's transactions. Binds id.
pub(crate) static ADDRESS_OF: Statement = Statement::new(|_| {
    "SELECT address FROM sessions WHERE id = ? AND expires > clock_timestamp()".into()
});

/// The session that holds the lease of a transaction, if it is alive. Binds id.
pub(crate) static HOLDER: Statement = Statement::new(|_| {
    "SELECT lease_session FROM transactions WHERE id = ? AND lease_session IN \
     (SELECT id FROM sessions WHERE expires > clock_timestamp())"
        .into()
});

/// Waits for the first commit of a writer, if that is under way, and for no other. Binds writer.
#[cfg(feature = "postgres")]
pub(crate) static AWAIT_WRITER: Statement = Statement::new(|_| {
    "INSERT INTO commits (writer, number, at) VALUES (?, 0, clock_timestamp()) \
     ON CONFLICT (writer) DO NOTHING"
        .into()
});

/// The number of a writer's last commit, once no commit is under way. Binds writer.
#[cfg(feature = "postgres")]
pub(crate) static LAST_COMMIT: Statement =
    Statement::new(|_| "SELECT number FROM commits WHERE writer = ? FOR UPDATE".into());

/// Removes writers that nobody asks about any more.
#[cfg(feature = "postgres")]
pub(crate) static FORGET_WRITERS: Statement = Statement::new(|_| {
    "DELETE FROM commits WHERE at < clock_timestamp() - INTERVAL '1 day'".into()
});
