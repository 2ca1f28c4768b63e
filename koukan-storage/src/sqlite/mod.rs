//! Transactions in one SQLite database: [`SqliteBackend`].
//!
//! One process owns the database, by a lock on a file beside it. Within the process one task
//! writes: it takes the waiting requests, up to a limit, and commits them together, so that many
//! transactions share one sync of the disk. Reads have connections of their own and never wait for
//! writes.
//!
//! An existing file is checked before it is used: an empty, truncated, damaged or foreign file is
//! an error; only a missing one is created. While the database is in use, its files must stay in
//! place. When one of them is deleted or replaced, nothing is acknowledged and every call fails,
//! until it is back. The same holds for a database that is damaged or that somebody else writes over,
//! until the process ends.

mod backup;
mod ballast;
mod create;
mod error;
mod files;
mod forget;
mod held;
mod inspect;
mod lock;
mod main_file;
mod medium;
mod migrations;
mod old_log;
mod open;
mod options;
mod prepare;
mod read_only;
mod reading;
mod room;
mod schema;
#[cfg(feature = "postgres")]
mod source;
mod stall;
mod writer;

pub use self::{
    backup::{Backup, BackupError},
    open::OpenError,
    options::SqliteOptions,
};

#[cfg(feature = "postgres")]
pub(crate) use self::source::Source;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use koukan_core::storage::BackendError;
use tokio::sync::watch;

use crate::{
    backend::{Database, DatabaseBackend, Inner},
    writer::Writer,
};

use self::{room::Room, stall::Stall};

/// A [`Backend`](koukan_core::storage::Backend) on a SQLite database that this process owns.
pub type SqliteBackend = DatabaseBackend<Sqlite>;

/// The kind of database behind a [`SqliteBackend`].
pub struct Sqlite {
    path: PathBuf,
    room: Arc<Room>,
    stall: Arc<Stall>,
}

impl Database for Sqlite {
    fn has_room(&self) -> bool {
        self.room.has_room()
    }

    fn check_room(&self) -> Result<(), BackendError> {
        self.stall.check()?;
        self.room.check()
    }
}

impl SqliteBackend {
    /// Opens the database. It is created if it is missing, and its schema is brought up to date.
    ///
    /// Takes a path, or [`SqliteOptions`]. Must be called within a tokio runtime; a background task
    /// writes.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(options: impl Into<SqliteOptions>) -> Result<Self, OpenError> {
        Self::open_patiently(options.into(), stall::PATIENCE).await
    }

    /// A write that lasts longer than `patience` hangs.
    async fn open_patiently(options: SqliteOptions, patience: Duration) -> Result<Self, OpenError> {
        let (written, events) = watch::channel(0);
        let stall = Arc::new(Stall::new(patience));
        let (writer, reader, room) = open::open(&options, written, Arc::clone(&stall)).await?;
        let path = options.path;
        Ok(Self(Arc::new(Inner {
            database: Sqlite { path, room, stall },
            writer,
            reader,
            events,
            keeps_events: options.keeps_events,
            is_read_only: false,
        })))
    }

    /// Opens a database to inspect it, whether or not an agent is using it. Nothing is changed, and no
    /// agent is kept from starting. Every call that would change something fails. A session on it takes
    /// over nothing from the previous one.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; also where there is no database, or its schema is not the current one.
    pub async fn open_read_only(options: impl Into<SqliteOptions>) -> Result<Self, OpenError> {
        let options = options.into();
        let (_, events) = watch::channel(0);
        let (reader, room) = read_only::open(&options).await?;
        let stall = Arc::new(Stall::new(stall::PATIENCE));
        let path = options.path;
        Ok(Self(Arc::new(Inner {
            database: Sqlite { path, room, stall },
            writer: Writer::none(),
            reader,
            events,
            keeps_events: options.keeps_events,
            is_read_only: true,
        })))
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
