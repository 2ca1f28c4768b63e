//! Options for a SQLite database.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{FileSystem, FreeSpace};

use super::{files::beside, inspect::APPLICATION_ID, room::Room};

/// The page size in octets. With 16 KiB, many concurrent inserts are equally fast or a little
/// faster. Single commits, settlements and the removal of garbage are slower, since every changed
/// page goes into the log as a whole.
pub(super) const PAGE: u32 = 4096;
/// How long to wait while another program has the database locked.
const BUSY: Duration = Duration::from_secs(10);
/// How many statements stay prepared on a connection: every statement in every size.
const PREPARED: usize = 256;

/// The size to which the log is cut when it is restarted, in octets.
const LOG: u64 = 16 << 20;

/// The path of a SQLite database, and its limits.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    readers: u32,
    cache: u64,
    max_size: Option<u64>,
    reserve: u64,
    pub(super) keeps_events: bool,
    free_space: Arc<dyn FreeSpace>,
}

impl SqliteOptions {
    /// The database in the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 4,
            cache: 4 << 20,
            max_size: None,
            reserve: 0,
            keeps_events: false,
            free_space: Arc::new(FileSystem),
        }
    }

    /// Sets the largest number of concurrent reads; 4 by default.
    #[must_use]
    pub fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Sets the memory for cached pages, in octets; 4 MiB by default. The queue's recent writes are
    /// close together, and the operating system caches the rest.
    #[must_use]
    pub fn with_cache(mut self, octets: u64) -> Self {
        self.cache = octets;
        self
    }

    /// Sets the largest size of the database in octets, without its log. Beyond it the database is
    /// full ([`BackendError::Full`](koukan_core::storage::BackendError::Full)). No limit by default.
    ///
    /// A database that is larger already, for example because a new version added indexes, accepts no
    /// new mail. It may use the [reserve](Self::with_reserve) to deliver what is queued.
    #[must_use]
    pub fn with_max_size(mut self, octets: u64) -> Self {
        self.max_size = Some(octets);
        self
    }

    /// Sets how many octets are to stay free; 0 by default.
    ///
    /// While less is free on the file system, or in a database of limited size, new mail is refused
    /// ([`BackendError::Full`](koukan_core::storage::BackendError::Full)). So queued mail can still be
    /// delivered: even a lease is a write. 64 MiB are enough for the log, however long the queue. The
    /// reserve is at most a quarter of a limited size.
    ///
    /// Other programs may fill the file system all the same. So another quarter of the reserve is
    /// allocated in a file beside the database, whose name ends in `.reserve`. It is removed when there
    /// is no space at all.
    #[must_use]
    pub fn with_reserve(mut self, octets: u64) -> Self {
        self.reserve = octets;
        self
    }

    /// Sets whether events are kept, each in the commit that causes it; by default they are not.
    #[must_use]
    pub fn with_events(mut self, keeps_events: bool) -> Self {
        self.keeps_events = keeps_events;
        self
    }

    /// Sets who tells how much is free on the medium.
    #[must_use]
    pub fn with_free_space(mut self, free_space: Arc<dyn FreeSpace>) -> Self {
        self.free_space = free_space;
        self
    }

    pub(super) fn room(&self, path: &Path) -> Room {
        let free_space = Arc::clone(&self.free_space);
        Room::new(path, self.reserve(), free_space, self.max_pages())
    }

    fn reserve(&self) -> u64 {
        match self.max_size {
            Some(max) => self.reserve.min(max / 4),
            None => self.reserve,
        }
    }

    /// The largest number of pages, where that is limited.
    fn max_pages(&self) -> Option<u64> {
        let max = self.max_size.map(|octets| octets / u64::from(PAGE));
        max.map(|pages| pages.max(1))
    }

    pub(super) fn readers(&self) -> u32 {
        self.readers
    }

    /// Options for the connection that creates the tables of a new database.
    pub(super) fn creating(&self, path: &Path) -> SqliteConnectOptions {
        self.connecting(path)
            .page_size(PAGE)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .pragma("application_id", APPLICATION_ID.to_string())
            .synchronous(SqliteSynchronous::Full)
    }

    /// Options for the only connection that writes, within `limit`. It does not create a database: a
    /// missing one must not be replaced by an empty one.
    pub(super) fn writing(&self, path: &Path, limit: Option<u64>) -> SqliteConnectOptions {
        let options = self.migrating(path);
        match limit {
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
            None => options,
        }
    }

    /// How many pages a database that has `pages` now may have, if that is limited.
    ///
    /// A database that is too large already, for example because a new version added indexes, may grow
    /// by the reserve, so that queued mail can be delivered.
    pub(super) fn limit(&self, pages: u64) -> Option<u64> {
        let max = self.max_pages()?;
        Some(max.max(pages + self.reserve() / u64::from(PAGE)))
    }

    /// Options for the connection that migrates the schema, without a size limit: a new version needs
    /// space for its indexes, and the queue of a full database must still be delivered.
    ///
    /// It never runs `ANALYZE` or `PRAGMA optimize`. A queue is usually empty at that time, and plans
    /// for an empty table are wrong for a full one.
    pub(super) fn migrating(&self, path: &Path) -> SqliteConnectOptions {
        self.connecting(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is acknowledged only when it is on the medium.
            .synchronous(SqliteSynchronous::Full)
            // The writer decides when to run a checkpoint, since that delays those who wait for a
            // commit.
            .pragma("wal_autocheckpoint", "0")
            // Erased content is overwritten in pages that are written anyway.
            .pragma("secure_delete", "FAST")
            // A log that had to grow because of a long read shrinks again.
            .pragma("journal_size_limit", LOG.to_string())
    }

    /// Options for connections that read. The writing one must be opened first, since readers
    /// cannot create the log.
    pub(super) fn reading(&self, path: &Path) -> SqliteConnectOptions {
        self.connecting(path).read_only(true)
    }

    /// Options for a connection that looks at a database before it is used, and changes nothing.
    ///
    /// A connection that could write would copy the log into the database when it is closed, and remove
    /// the log, even if the database is damaged.
    pub(super) fn inspecting(&self, path: &Path) -> SqliteConnectOptions {
        let has = |suffix| fs::metadata(beside(path, suffix)).is_ok_and(|file| file.len() > 0);
        if has("-journal") {
            // A write was interrupted, before the database had a log. It has to be undone first.
            return self.connecting(path);
        }
        // Without a log, the file is all there is, and no log and no index of it need to be made.
        self.reading(path).immutable(!has("-wal"))
    }

    /// Options for connections that change nothing by themselves.
    pub(super) fn connecting(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .foreign_keys(false)
            .busy_timeout(BUSY)
            .statement_cache_capacity(PREPARED)
            .row_buffer_size(PREPARED)
            // A negative number means KiB.
            .pragma("cache_size", format!("-{}", (self.cache >> 10).max(64)))
            .pragma("temp_store", "memory")
            .disable_statement_logging()
    }
}

impl<P: AsRef<Path>> From<P> for SqliteOptions {
    fn from(path: P) -> Self {
        Self::new(path.as_ref())
    }
}
