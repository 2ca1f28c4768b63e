//! Storage, from its configuration.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, pending},
};
use koukan_core::{
    blob::BlobPool,
    storage::{Backend, MemoryBackend, Storage},
};
use koukan_storage::{
    FileSystem, FreeSpace, PostgresBackend, SqliteBackend, SqliteOptions, TempSpill,
};

use crate::{config::Config, registry::Surroundings};

use super::StartError;

/// The spill budget is at least this by default, however little space is free at the start.
const LEAST_SPILL_BUDGET: u64 = 1 << 30;

/// Where the transactions of an agent are kept.
pub(crate) enum Keeper {
    /// In the process, as long as it runs.
    Memory,
    /// In a database file, which is closed at the end.
    Database(SqliteBackend),
    /// In a database server, which goes on without this process.
    Server(PostgresBackend),
    /// In a backend of the embedder.
    Own,
}

impl Keeper {
    /// A future that ends when no more is written; `None` if only callers write.
    pub(crate) fn ended(
        &self,
    ) -> Option<impl Fn() -> BoxFuture<'static, ()> + Send + 'static + use<>> {
        let keeper = match self {
            Self::Database(database) => Self::Database(database.clone()),
            Self::Server(database) => Self::Server(database.clone()),
            Self::Memory | Self::Own => return None,
        };
        Some(move || match &keeper {
            Self::Database(database) => {
                let database = database.clone();
                async move { database.ended().await }.boxed()
            }
            Self::Server(database) => {
                let database = database.clone();
                async move { database.ended().await }.boxed()
            }
            Self::Memory | Self::Own => pending().boxed(),
        })
    }
}

/// The backend for transactions: the embedder's, if there is one.
pub(super) async fn backend(
    config: &Config,
    own: Option<Arc<dyn Backend>>,
) -> Result<(Arc<dyn Backend>, Keeper), StartError> {
    if let (None, Some(postgres)) = (&own, &config.storage.postgres) {
        let options = super::postgres::options(config, postgres)?;
        let database = PostgresBackend::open(options).await?;
        return Ok((Arc::new(database.clone()), Keeper::Server(database)));
    }
    Ok(match (own, &config.storage.sqlite) {
        (Some(own), _) => (own, Keeper::Own),
        (None, Some(path)) => {
            make_directory_of(&path.value)?;
            let options = SqliteOptions::new(path.value.clone());
            let options = options.with_reserve(config.storage.reserve());
            let options = options.with_events(config.storage.events.is_some());
            let database = SqliteBackend::open(options).await?;
            (Arc::new(database.clone()), Keeper::Database(database))
        }
        (None, None) => {
            if config.storage.memory {
                tracing::warn!("mail is kept in memory: what is queued is lost at the end");
            }
            let memory = MemoryBackend::new();
            let count = config.storage.event_retention().count;
            let memory = match config.storage.events {
                Some(_) => memory.with_events(usize::try_from(count).unwrap_or(usize::MAX)),
                None => memory,
            };
            (Arc::new(memory), Keeper::Memory)
        }
    })
}

/// Opens the storage on a backend.
pub(super) async fn open(
    config: &Config,
    backend: Arc<dyn Backend>,
    surroundings: &Surroundings,
) -> Result<Storage, StartError> {
    let (pool, clock) = (surroundings.blobs.clone(), Arc::clone(&surroundings.clock));
    let observers = surroundings.observers.clone();
    let storage = Storage::open_observed(backend, pool, clock, observers).await?;
    if config.storage.events.is_some_and(|events| events.durable) {
        storage.commit_events_first();
    }
    storage.suppress(config.suppressions());
    Ok(storage)
}

/// Makes the pool of blobs, which may spill to so many files at the same time.
pub(super) fn pool(config: &Config, files: usize) -> Result<BlobPool, StartError> {
    let storage = &config.storage;
    let directory = match (&storage.spill, &storage.sqlite) {
        (Some(spill), _) => spill.value.clone(),
        (None, Some(database)) => directory_of(&database.value).to_owned(),
        (None, None) => std::env::temp_dir(),
    };
    make_directory(&directory)?;
    let mut spill = TempSpill::open(&directory)
        .map_err(|error| StartError::Directory(directory.clone(), error))?;
    if storage.sqlite.is_some() {
        spill = spill.with_reserve(storage.reserve(), Arc::new(FileSystem));
    }
    let pool = BlobPool::new(storage.into(), Arc::new(spill.with_max_files(files)));
    Ok(pool.with_spill_budget(spill_budget(config, &directory)))
}

/// How many octets may be spilled in all.
fn spill_budget(config: &Config, directory: &Path) -> u64 {
    let of_free = || match FileSystem.free(directory) {
        Ok(free) => (free / 2).max(LEAST_SPILL_BUDGET),
        // A write there will report the error.
        Err(_) => u64::MAX,
    };
    let said = config.storage.spill_budget;
    said.map_or_else(of_free, |size| size.0)
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes the directory of a database if it does not exist.
pub(crate) fn make_directory_of(database: &Path) -> Result<(), StartError> {
    make_directory(directory_of(database))
}

/// Makes a directory that only its owner may read; an existing one is left as it is.
fn make_directory(path: &Path) -> Result<(), StartError> {
    let mut directory = DirBuilder::new();
    let made = directory.recursive(true).mode(0o700).create(path);
    made.map_err(|error| StartError::Directory(PathBuf::from(path), error))
}
