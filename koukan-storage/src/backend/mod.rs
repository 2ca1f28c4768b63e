//! A backend in a database, of either kind.

mod contract;
mod sessions;
mod suppressions;

use std::{fmt, sync::Arc, time::Duration};

use koukan_core::storage::BackendError;
use tokio::sync::watch;

use crate::{reader::Reader, writer::Writer};

/// A [`Backend`](koukan_core::storage::Backend) in a database of the kind `D`.
///
/// Clones share the database. It is closed when `close` returns, or, if the last clone is dropped,
/// in the background.
///
/// *Units*: times are stored to the microsecond.
pub struct DatabaseBackend<D>(pub(crate) Arc<Inner<D>>);

pub(crate) struct Inner<D> {
    pub(crate) database: D,
    pub(crate) writer: Writer,
    pub(crate) reader: Reader,
    pub(crate) events: watch::Receiver<u64>,
    pub(crate) keeps_events: bool,
    pub(crate) is_read_only: bool,
}

/// The differences between kinds of databases.
pub trait Database: fmt::Debug + Send + Sync + 'static {
    /// Whether new mail may be written.
    #[doc(hidden)]
    fn has_room(&self) -> bool;

    /// As [`Database::has_room`], with the reason.
    #[doc(hidden)]
    fn check_room(&self) -> Result<(), BackendError>;

    /// How long a session lives without a refresh, where several processes share the database.
    #[doc(hidden)]
    fn session_term(&self) -> Option<Duration> {
        None
    }

    /// Changes when other processes have changed suspensions or suppressions, where several share the database.
    #[doc(hidden)]
    fn bans_notified(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

impl<D: Database> DatabaseBackend<D> {
    /// Waits until nothing is written any more: the database was closed, or the writing task has
    /// panicked. After that the backend answers every call with an error, until it is opened again.
    pub async fn ended(&self) {
        self.0.writer.ended().await;
    }

    /// Writes what is still queued, closes the database, and lets other processes use it.
    ///
    /// Every later call fails. Closing it again does nothing.
    pub async fn close(&self) {
        self.0.reader.close().await;
        self.0.writer.close().await;
    }
}

impl<D> Clone for DatabaseBackend<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Database> fmt::Debug for DatabaseBackend<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseBackend")
            .field(&self.0.database)
            .finish_non_exhaustive()
    }
}
