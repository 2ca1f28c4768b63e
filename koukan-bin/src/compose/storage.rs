//! Storage, as configured.

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

/// What may be spilled unless it is said, however little is free at the start.
const LEAST_SPILL_BUDGET: u64 = 1 << 30;

/// What keeps the transactions of an agent.
pub(crate) enum Keeper {
    /// The process, as long as it runs.
    Memory,
    /// A database, to be closed at the end.
    Database(SqliteBackend),
    /// A database of a server, which goes on without this process.
    Server(PostgresBackend),
    /// What the embedder has given.
    Own,
}

impl Keeper {
    /// Ends when nothing is written any more; `None` where nobody writes but whoever asks.
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

/// What keeps the transactions: the embedder's backend where there is one.
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

/// What makes the blobs, which spill to so many files at the same time.
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

/// Octets that may be spilled, in all.
fn spill_budget(config: &Config, directory: &Path) -> u64 {
    let of_free = || match FileSystem.free(directory) {
        Ok(free) => (free / 2).max(LEAST_SPILL_BUDGET),
        // Whoever writes there hears of what is wrong.
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

/// Makes the directory of a database, where there is none.
pub(crate) fn make_directory_of(database: &Path) -> Result<(), StartError> {
    make_directory(directory_of(database))
}

/// Makes a directory that only its owner may look into; one that is there stays as it is.
fn make_directory(path: &Path) -> Result<(), StartError> {
    let mut directory = DirBuilder::new();
    let made = directory.recursive(true).mode(0o700).create(path);
    made.map_err(|error| StartError::Directory(PathBuf::from(path), error))
}
