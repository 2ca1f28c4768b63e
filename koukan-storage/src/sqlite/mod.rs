//! Transactions in one SQLite database: [`SqliteBackend`].
//!
//! One process owns the database, by a lock on a file beside it. Within the process, one task
//! writes: it takes what waits, up to a bound, and commits it together, so that many transactions
//! share one sync of the disk. Reads go through connections of their own and never wait for
//! writes.
//!
//! A file that is there already is looked at before it is used: what is empty, cut off, damaged or
//! somebody else's is an error, and only what is missing is made. While the database is in use its
//! files have to stay where they are: from the moment that one of them is deleted or replaced
//! nothing is acknowledged, and everything is answered with an error until it is back.

mod backup;
mod ballast;
mod create;
mod error;
mod files;
mod forget;
mod inspect;
mod lock;
mod migrations;
mod open;
mod options;
mod prepare;
mod read_only;
mod reading;
mod room;
mod schema;
#[cfg(feature = "postgres")]
mod source;
mod writer;

pub use self::{
    backup::{Backup, BackupError},
    forget::Named,
    open::OpenError,
    options::SqliteOptions,
};

#[cfg(feature = "postgres")]
pub(crate) use self::source::Source;

use std::{fmt, path::PathBuf, sync::Arc};

use koukan_core::storage::BackendError;
use tokio::sync::watch;

use crate::{
    backend::{Database, DatabaseBackend, Inner},
    writer::Writer,
};

use self::room::Room;

/// A [`Backend`](koukan_core::storage::Backend) on a SQLite database of this process alone.
pub type SqliteBackend = DatabaseBackend<Sqlite>;

/// A SQLite database: what a [`SqliteBackend`] is on.
pub struct Sqlite {
    path: PathBuf,
    room: Arc<Room>,
}

impl Database for Sqlite {
    fn has_room(&self) -> bool {
        self.room.has_room()
    }

    fn check_room(&self) -> Result<(), BackendError> {
        self.room.check()
    }
}

impl SqliteBackend {
    /// Opens the database, which is made if it is missing and brought to the present schema.
    ///
    /// Takes a path, or [`SqliteOptions`]. Must be called within a tokio runtime; a task in the
    /// background writes.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn open(options: impl Into<SqliteOptions>) -> Result<Self, OpenError> {
        let options = options.into();
        let (written, events) = watch::channel(0);
        let (writer, reader, room) = open::open(&options, written).await?;
        let path = options.path;
        Ok(Self(Arc::new(Inner {
            database: Sqlite { path, room },
            writer,
            reader,
            events,
            keeps_events: options.keeps_events,
            is_read_only: false,
        })))
    }

    /// Opens a database to look at what is in it, while an agent uses it or none does. Nothing is changed,
    /// and no agent is kept from starting; whatever would change something fails. A session on it takes
    /// nothing from the one before.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; where there is no database, or the schema is not the present one.
    pub async fn open_read_only(options: impl Into<SqliteOptions>) -> Result<Self, OpenError> {
        let options = options.into();
        let (_, events) = watch::channel(0);
        let (reader, room) = read_only::open(&options).await?;
        let path = options.path;
        Ok(Self(Arc::new(Inner {
            database: Sqlite { path, room },
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
