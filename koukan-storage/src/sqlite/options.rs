//! How a database is used.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{FileSystem, FreeSpace};

use super::{inspect::APPLICATION_ID, room::Room};

/// Octets of a page. With 16 KiB, inserts by many at once are as fast or a little faster; lone
/// commits, settlements and the removal of garbage are slower, since each change of a page puts
/// all of it into the log.
pub(super) const PAGE: u32 = 4096;
/// How long to wait where another program looks into the database.
const BUSY: Duration = Duration::from_secs(10);
/// Texts that stay prepared on a connection: every statement in every size.
const PREPARED: usize = 256;

/// Octets that the log keeps on the disk when it is begun anew.
const LOG: u64 = 16 << 20;

/// Where a SQLite database is, and what it may use.
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

    /// Sets how many reads go on at the same time, at most; 4 by default.
    #[must_use]
    pub fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Sets the memory for pages of the database, in octets; 4 MiB by default: what
    /// a queue writes stands close together, and the operating system caches the rest.
    #[must_use]
    pub fn with_cache(mut self, octets: u64) -> Self {
        self.cache = octets;
        self
    }

    /// Sets how large the database may become, in octets, its log not counted; beyond that it is
    /// full ([`BackendError::Full`](koukan_core::storage::BackendError::Full)). Without a limit by
    /// default.
    ///
    /// A database that is larger already, as one that a new version has made indexes in, takes no new
    /// mail, and may use what is [reserved](Self::with_reserve) to deliver what it has.
    #[must_use]
    pub fn with_max_size(mut self, octets: u64) -> Self {
        self.max_size = Some(octets);
        self
    }

    /// Sets how much is to stay free, in octets; nothing by default.
    ///
    /// While less is free on the file system, or until the database has its largest size, new mail is
    /// refused ([`BackendError::Full`](koukan_core::storage::BackendError::Full)), so that what is
    /// queued can be delivered: a lease is a write, too. 64 MiB are enough for the log, whatever is
    /// queued. Of a largest size it is a quarter at most.
    ///
    /// Others may fill the file system all the same. So another quarter of it lies in a file beside the
    /// database, whose name ends in `.reserve`, which is removed when there is no room at all.
    #[must_use]
    pub fn with_reserve(mut self, octets: u64) -> Self {
        self.reserve = octets;
        self
    }

    /// Keeps events, each in the commit of what it tells of, or does not; by default it does not.
    #[must_use]
    pub fn with_events(mut self, keeps_events: bool) -> Self {
        self.keeps_events = keeps_events;
        self
    }

    /// Sets who tells how much is free on the file system.
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

    /// The connection that makes the tables of a new database.
    pub(super) fn creating(&self, path: &Path) -> SqliteConnectOptions {
        self.connecting(path)
            .page_size(PAGE)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .pragma("application_id", APPLICATION_ID.to_string())
            .synchronous(SqliteSynchronous::Full)
    }

    /// The one connection that writes, within `limit`. It makes no database: one that is gone must not
    /// be replaced by an empty one.
    pub(super) fn writing(&self, path: &Path, limit: Option<u64>) -> SqliteConnectOptions {
        let options = self.migrating(path);
        match limit {
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
            None => options,
        }
    }

    /// How many pages a database may have that has `pages` now, where that is limited.
    ///
    /// One that is larger than it should be, as one that a new version has made indexes in, may grow by
    /// what is reserved, so that what is queued can be delivered.
    pub(super) fn limit(&self, pages: u64) -> Option<u64> {
        let max = self.max_pages()?;
        Some(max.max(pages + self.reserve() / u64::from(PAGE)))
    }

    /// The connection that brings the schema up to date, whatever the largest size: a new version needs
    /// room for its indexes, and what is queued in a full database must still be delivered.
    ///
    /// It never runs `ANALYZE` or `PRAGMA optimize`: a queue is mostly empty when that would be
    /// done, and plans that are right for an empty table are wrong for a full one.
    pub(super) fn migrating(&self, path: &Path) -> SqliteConnectOptions {
        self.connecting(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is acknowledged when it is on the medium, not before.
            .synchronous(SqliteSynchronous::Full)
            // The writer says when: a checkpoint holds up whoever waits for the commit.
            .pragma("wal_autocheckpoint", "0")
            // Nothing of what is forgotten stays in pages that are written for it anyway.
            .pragma("secure_delete", "FAST")
            // A log that had to grow, since somebody read for long, shrinks again.
            .pragma("journal_size_limit", LOG.to_string())
    }

    /// Connections that read; the writing one comes first, since they cannot make the log.
    pub(super) fn reading(&self, path: &Path) -> SqliteConnectOptions {
        self.connecting(path).read_only(true)
    }

    /// Connections that change nothing by themselves.
    pub(super) fn connecting(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .foreign_keys(false)
            .busy_timeout(BUSY)
            .statement_cache_capacity(PREPARED)
            .row_buffer_size(PREPARED)
            // Negative means KiB.
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
