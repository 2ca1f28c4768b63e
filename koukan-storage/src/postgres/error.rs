//! Translates errors of the server into those of the contract.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use koukan_core::storage::BackendError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// The cause of an error, shared by everyone whose write failed together.
///
/// Keeps the driver's types out of the API.
#[derive(Clone)]
pub(super) struct Cause(Arc<Fault>);

enum Fault {
    Sql(sqlx::Error),
    Silent(Duration),
    Dead(Duration),
    InDoubt(Cause),
}

/// `disk_full`.
const FULL: &str = "53100";
/// `serialization_failure`, `deadlock_detected`, `lock_not_available`: repeating the commit may succeed.
const CONFLICTS: [&str; 3] = ["40001", "40P01", "55P03"];
/// The server shuts down, has crashed, starts, or has too many connections; it ended a connection that was
/// idle in a transaction; it does not accept the password, which is being changed; or it has become read-only, as
/// after a failover.
const LOST: [&str; 8] = [
    "57P01", "57P02", "57P03", "57P05", "53300", "25P03", "28P01", READ_ONLY,
];
/// The server shuts down, starts, or has too many connections.
const AWAY: [&str; 3] = ["57P01", "57P03", "53300"];
/// `read_only_sql_transaction`.
const READ_ONLY: &str = "25006";
/// The class of connection errors.
const CONNECTION: &str = "08";

impl Cause {
    /// The server has not answered for this long.
    pub(super) fn silent(limit: Duration) -> Self {
        Self(Arc::new(Fault::Silent(limit)))
    }

    /// The server answers others, and has not answered over this connection for this long, since nothing passes it.
    pub(super) fn dead(waited: Duration) -> Self {
        Self(Arc::new(Fault::Dead(waited)))
    }

    /// Nobody knows whether the commit was made.
    pub(super) fn in_doubt(cause: Self) -> Self {
        Self(Arc::new(Fault::InDoubt(cause)))
    }

    pub(super) fn is_full(&self) -> bool {
        self.code().is_some_and(|code| code == FULL)
    }

    /// Whether the server takes no writes.
    pub(super) fn is_read_only(&self) -> bool {
        self.code().is_some_and(|code| code == READ_ONLY)
    }

    /// Whether another commit was in the way.
    pub(super) fn is_conflict(&self) -> bool {
        self.code()
            .is_some_and(|code| CONFLICTS.contains(&code.as_str()))
    }

    /// Whether the connection can no longer be used.
    pub(super) fn is_lost(&self) -> bool {
        match &*self.0 {
            Fault::Sql(error) => is_lost(error),
            Fault::Silent(_) | Fault::Dead(_) => true,
            Fault::InDoubt(_) => false,
        }
    }

    /// Whether the server is absent or still starting. It may be there later.
    pub(super) fn is_away(&self) -> bool {
        match &*self.0 {
            Fault::Sql(sqlx::Error::Io(error)) => !is_unbelieved(error),
            Fault::Silent(_) | Fault::Dead(_) => true,
            Fault::Sql(error) => code(error).is_some_and(|code| AWAY.contains(&code.as_str())),
            Fault::InDoubt(_) => false,
        }
    }

    /// Whether the server refused and goes on: then it has not committed. After any other error of a commit
    /// nobody knows that.
    pub(super) fn is_refusal(&self) -> bool {
        let Fault::Sql(sqlx::Error::Database(error)) = &*self.0 else {
            return false;
        };
        let error = error.try_downcast_ref::<PgDatabaseError>();
        error.is_some_and(|error| error.severity() == PgSeverity::Error) && !self.is_lost()
    }

    /// The SQLSTATE that the server has given.
    pub(super) fn code(&self) -> Option<String> {
        match &*self.0 {
            Fault::Sql(error) => code(error),
            _ => None,
        }
    }
}

/// Whether TLS failed for a reason that lasts until somebody changes something, for example another host's
/// certificate.
fn is_unbelieved(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        error => code(error)
            .is_some_and(|code| code.starts_with(CONNECTION) || LOST.contains(&code.as_str())),
    }
}

impl From<sqlx::Error> for Cause {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(Fault::Sql(error)))
    }
}

impl From<Cause> for BackendError {
    fn from(cause: Cause) -> Self {
        if cause.is_full() {
            Self::Full(cause.into())
        } else {
            Self::Failed(cause.into())
        }
    }
}

/// The driver's texts hold their causes, so there is no source that would repeat them.
impl Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Fault::Sql(sqlx::Error::Io(error)) if is_unbelieved(error) => {
                write!(f, "the server cannot be believed by TLS: {error}")
            }
            // The driver's words tell of its own parts.
            Fault::Sql(sqlx::Error::WorkerCrashed) => f.write_str("the connection was lost"),
            Fault::Sql(sqlx::Error::PoolTimedOut) => {
                f.write_str("no connection was free, or could be made, in time")
            }
            // The driver would add a line of the server's own source code.
            Fault::Sql(sqlx::Error::Database(error)) => f.write_str(error.message()),
            Fault::Sql(error) => fmt::Display::fmt(error, f),
            Fault::Silent(limit) => {
                write!(f, "the database has not answered for {} s", limit.as_secs())
            }
            Fault::Dead(waited) => {
                let seconds = waited.as_secs();
                write!(
                    f,
                    "nothing has passed a connection to the database for {seconds} s, though the database answers"
                )
            }
            Fault::InDoubt(cause) => {
                write!(
                    f,
                    "whether it was committed is not known, since the connection was lost: {cause}"
                )
            }
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let cause = Cause::in_doubt(sqlx::Error::Io(io::Error::other("it broke")).into());
        assert_eq!(cause.to_string().matches("it broke").count(), 1);
        assert!(cause.source().is_none());
    }

    #[test]
    fn what_the_driver_says_of_its_own_parts_is_not_told() {
        for error in [sqlx::Error::WorkerCrashed, sqlx::Error::PoolTimedOut] {
            let told = Cause::from(error).to_string();
            assert!(told.contains("connection"), "{told}");
            assert!(!told.contains("worker") && !told.contains("pool"), "{told}");
        }
    }

    #[test]
    fn what_the_server_has_not_said_is_no_refusal() {
        for error in [
            sqlx::Error::Protocol("another message was expected".into()),
            sqlx::Error::RowNotFound,
            sqlx::Error::Io(std::io::ErrorKind::UnexpectedEof.into()),
        ] {
            assert!(!Cause::from(error).is_refusal());
        }
        assert!(!Cause::silent(Duration::ZERO).is_refusal());
    }
}
