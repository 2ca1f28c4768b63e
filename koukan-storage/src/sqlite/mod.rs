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

mod backend;
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
mod reader;
mod room;
mod suppressions;
mod writer;

pub use self::{
    backup::{Backup, BackupError},
    forget::Named,
    open::OpenError,
    options::SqliteOptions,
};

use std::{fmt, path::PathBuf, sync::Arc};

use tokio::sync::watch;

use self::{reader::Reader, room::Room, writer::Writer};

/// A [`Backend`](koukan_core::storage::Backend) on a SQLite database of this process alone.
///
/// Clones share the database. It is closed when [`SqliteBackend::close`] returns, or in the
/// background when the last clone is dropped.
///
/// *Units*: times are kept to the microsecond.
#[derive(Clone)]
pub struct SqliteBackend(Arc<Inner>);

struct Inner {
    path: PathBuf,
    writer: Writer,
    reader: Reader,
    room: Arc<Room>,
    events: watch::Receiver<u64>,
    keeps_events: bool,
    is_read_only: bool,
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
        Ok(Self(Arc::new(Inner {
            path: options.path,
            writer,
            reader,
            room,
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
        Ok(Self(Arc::new(Inner {
            path: options.path,
            writer: Writer::none(),
            reader,
            room,
            events,
            keeps_events: options.keeps_events,
            is_read_only: true,
        })))
    }

    /// Waits until nothing is written any more: the database was closed, or the task that writes has
    /// panicked. After that the backend answers everything with errors, until it is opened anew.
    pub async fn ended(&self) {
        self.0.writer.ended().await;
    }

    /// Writes what is still to be written, closes the database, and lets other processes have it.
    ///
    /// Whoever uses the backend after that gets an error. Closing it again does nothing.
    pub async fn close(&self) {
        self.0.reader.close().await;
        self.0.writer.close().await;
    }
}

impl fmt::Debug for SqliteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackend")
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}
