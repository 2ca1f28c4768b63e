//! Durable storage for Koukan. [`SqliteBackend`] keeps transactions in one SQLite database.
//! `PostgresBackend` (feature `postgres`, on by default) keeps them in a PostgreSQL database that several
//! processes may share. [`TempSpill`] keeps those parts of message bodies on disk that do not fit into
//! memory.
//!
//! The API exposes no types of the SQL driver.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{blob::{BlobPool, Limits}, clock::SystemClock, storage::Storage};
//! use koukan_storage::{SqliteBackend, TempSpill};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let directory = directory.path();
//! let backend = SqliteBackend::open(directory.join("queue.sqlite")).await?;
//! let spill = TempSpill::open(directory)?;
//! let pool = BlobPool::new(Limits::default(), Arc::new(spill));
//! let storage = Storage::open(Arc::new(backend.clone()), pool, Arc::new(SystemClock)).await?;
//! # drop(storage);
//! backend.close().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Types of other crates in the API
//!
//! `bytes::Bytes`, `jiff::Timestamp`, `tokio::sync::watch::Receiver`, and those of `koukan-core`.
//!
//! Minimum supported Rust version: 1.94.

mod backend;
mod closed;
mod database;
mod forget;
mod free_space;
mod migrator;
#[cfg(feature = "postgres")]
mod moving;
#[cfg(feature = "postgres")]
mod postgres;
mod private;
mod query;
mod reader;
mod renamed;
mod row;
mod schema;
mod spill;
mod sqlite;
mod writer;

pub use self::{
    backend::{Database, DatabaseBackend},
    forget::Named,
    free_space::{FileSystem, FreeSpace},
    schema::{Migration, MigrationState, Schema},
    spill::TempSpill,
    sqlite::{Backup, BackupError, OpenError, Sqlite, SqliteBackend, SqliteOptions},
};

#[cfg(feature = "postgres")]
pub use self::{
    moving::{MoveError, Moved},
    postgres::{
        Postgres, PostgresBackend, PostgresError, PostgresFileError, PostgresOptions, PostgresTls,
        PostgresUrlError,
    },
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
