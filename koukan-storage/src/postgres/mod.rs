//! Transactions in a PostgreSQL database: [`PostgresBackend`].
//!
//! Several processes may share the database. Each refreshes its sessions to show that it lives. When one
//! falls silent, by the database's clock, the others take over its leases. The row of a transaction names
//! the session that holds it, and a fencing token that every write checks. So a process that was taken for
//! dead, but goes on, writes nothing.
//!
//! | event | result |
//! |---|---|
//! | the connection is lost before COMMIT was sent | nothing was written; the commit is repeated on a new connection |
//! | the connection is lost before COMMIT was answered | the server is asked whether the commit was made, by a mark that the commit has written |
//! | the server does not come back in time | the callers get an error, as for any failing medium |
//! | two commits wait for each other | one of them is repeated |
//! | the server answers nothing, not even a new connection | as if all connections were lost, before the time-out of a statement |
//! | nothing passes a connection any more, and the server answers over others | as if that one were lost, before that time-out |
//!
//! Within a process, requests of several tasks are committed together. Several connections commit at the
//! same time. Reads have connections of their own.

mod access;
mod error;
mod files;
mod fitness;
mod forget;
mod fullness;
mod help;
mod lender;
mod listener;
mod migrations;
mod open;
mod options;
mod outage;
mod pulse;
mod read_only;
mod reading;
mod schema;
mod target;
mod writer;

pub use self::{
    files::PostgresFileError,
    open::PostgresError,
    options::{PostgresOptions, PostgresTls, PostgresUrlError},
};

pub(crate) use self::target::Target;

use std::{fmt, sync::Arc, time::Duration};

use koukan_core::storage::BackendError;
use tokio::sync::watch;

use crate::{
    backend::{Database, DatabaseBackend, Inner},
    writer::Writer,
};

use self::fullness::Fullness;

/// A [`Backend`](koukan_core::storage::Backend) on a PostgreSQL database, which other processes may use at the
/// same time.
pub type PostgresBackend = DatabaseBackend<Postgres>;

/// The kind of database behind a [`PostgresBackend`].
pub struct Postgres {
    name: String,
    fullness: Arc<Fullness>,
    term: Option<Duration>,
    /// Changes when other processes have changed suspensions or suppressions; `None` where nothing listens for that.
    bans: Option<watch::Receiver<u64>>,
}

impl Database for Postgres {
    fn has_room(&self) -> bool {
        self.fullness.has_room()
    }

    fn check_room(&self) -> Result<(), BackendError> {
        self.fullness.check()
    }

    fn session_term(&self) -> Option<Duration> {
        self.term
    }

    fn bans_notified(&self) -> Option<watch::Receiver<u64>> {
        self.bans.clone()
    }
}

impl PostgresBackend {
    /// Opens the database. Missing tables are created, and the schema is brought up to date.
    ///
    /// Must be called within a tokio runtime; a background task writes.
    ///
    /// # Errors
    ///
    /// [`PostgresError`].
    pub async fn open(options: PostgresOptions) -> Result<Self, PostgresError> {
        let (written, events) = watch::channel(0);
        let (changed, bans) = watch::channel(0);
        let opened = open::open(&options, (written, changed)).await?;
        Ok(Self(Arc::new(Inner {
            database: Postgres {
                name: options.name(),
                fullness: opened.fullness,
                term: options.term,
                bans: options.listens().then_some(bans),
            },
            writer: opened.writer,
            reader: opened.reader,
            events,
            keeps_events: options.keeps_events,
            is_read_only: false,
        })))
    }

    /// Opens a database to inspect it, whether or not agents are using it. Nothing is changed. Every call
    /// that would change something fails. A session on it takes over nothing, and keeps no other from living.
    ///
    /// # Errors
    ///
    /// [`PostgresError`]; also where there are no tables, or the schema is not the current one.
    pub async fn open_read_only(options: PostgresOptions) -> Result<Self, PostgresError> {
        let (_, events) = watch::channel(0);
        let reader = read_only::open(&options).await?;
        Ok(Self(Arc::new(Inner {
            database: Postgres {
                name: options.name(),
                fullness: Arc::default(),
                term: None,
                bans: None,
            },
            writer: Writer::none(),
            reader,
            events,
            keeps_events: options.keeps_events,
            is_read_only: true,
        })))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
