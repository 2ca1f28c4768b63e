//! Transactions in a PostgreSQL database: [`PostgresBackend`].
//!
//! Several processes may share the database. Each says that it lives by refreshing its sessions; of one that
//! falls silent the others take over what it had under lease, by the database's clock. Which transaction a
//! process works on is in the row of the transaction, with a fencing token that each write checks, so that
//! one that was taken for dead and goes on writes nothing.
//!
//! | what happens | what becomes of it |
//! |---|---|
//! | the connection is lost before COMMIT was sent | nothing was written; it is done again on a new connection |
//! | it is lost while COMMIT is answered | the server is asked whether the commit is there, by a mark that it has written |
//! | the server does not come back in time | whoever waits gets an error, as of any medium that fails |
//! | two commits wait for each other | one of them is done again |
//!
//! Within a process, what several tasks ask for is committed together, over several connections at the same
//! time. Reads go through a pool of their own.

mod error;
mod fullness;
mod listener;
mod migrations;
mod open;
mod options;
mod reading;
mod schema;
mod target;
mod writer;

pub use self::{
    open::PostgresError,
    options::{PostgresOptions, PostgresTls, PostgresUrlError},
};

pub(crate) use self::target::Target;

use std::{fmt, sync::Arc, time::Duration};

use koukan_core::storage::BackendError;
use tokio::sync::watch;

use crate::backend::{Database, DatabaseBackend, Inner};

use self::fullness::Fullness;

/// A [`Backend`](koukan_core::storage::Backend) on a PostgreSQL database, which other processes may use as well.
pub type PostgresBackend = DatabaseBackend<Postgres>;

/// A PostgreSQL database: what a [`PostgresBackend`] is on.
pub struct Postgres {
    name: String,
    fullness: Arc<Fullness>,
    term: Option<Duration>,
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
}

impl PostgresBackend {
    /// Opens the database, in which the tables are made if they are missing, and brought to the present schema.
    ///
    /// Must be called within a tokio runtime; a task in the background writes.
    ///
    /// # Errors
    ///
    /// [`PostgresError`].
    pub async fn open(options: PostgresOptions) -> Result<Self, PostgresError> {
        let (written, events) = watch::channel(0);
        let opened = open::open(&options, written).await?;
        Ok(Self(Arc::new(Inner {
            database: Postgres {
                name: options.name(),
                fullness: opened.fullness,
                term: options.term,
            },
            writer: opened.writer,
            reader: opened.reader,
            events,
            keeps_events: options.keeps_events,
            is_read_only: false,
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
