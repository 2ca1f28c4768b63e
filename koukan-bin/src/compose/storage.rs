//! Storage, as configured.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use koukan_core::{
    blob::{BlobPool, Limits},
    clock::SharedClock,
    storage::{Backend, MemoryBackend, Storage},
};
use koukan_storage::{SqliteBackend, TempSpill};

use crate::config::Config;

use super::StartError;

/// Opens the storage, and the database that is to be closed at the end.
pub(super) async fn open(
    config: &Config,
    clock: SharedClock,
) -> Result<(Storage, Option<SqliteBackend>), StartError> {
    let database = match &config.storage.sqlite {
        None => None,
        Some(path) => {
            make_directory(directory_of(&path.value))?;
            Some(SqliteBackend::open(path.value.clone()).await?)
        }
    };
    let backend: Arc<dyn Backend> = match &database {
        Some(database) => Arc::new(database.clone()),
        None => {
            if config.storage.memory {
                tracing::warn!("mail is kept in memory: what is queued is lost at the end");
            }
            Arc::new(MemoryBackend::new())
        }
    };
    let storage = Storage::open(backend, pool(config)?, clock).await?;
    Ok((storage, database))
}

fn pool(config: &Config) -> Result<BlobPool, StartError> {
    let storage = &config.storage;
    let directory = match (&storage.spill, &storage.sqlite) {
        (Some(spill), _) => spill.value.clone(),
        (None, Some(database)) => directory_of(&database.value).to_owned(),
        (None, None) => std::env::temp_dir(),
    };
    make_directory(&directory)?;
    let spill = TempSpill::open(&directory)
        .map_err(|error| StartError::Directory(directory.clone(), error))?;
    let defaults = Limits::default();
    let limits = Limits {
        window: storage.body_window.map_or(defaults.window, |size| size.0),
        spill_above: storage
            .spill_above
            .map_or(defaults.spill_above, |size| size.0),
        budget: storage.memory_budget.map_or(defaults.budget, |size| size.0),
    };
    Ok(BlobPool::new(limits, Arc::new(spill)))
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Makes a directory that only its owner may look into; one that is there stays as it is.
fn make_directory(path: &Path) -> Result<(), StartError> {
    let mut directory = DirBuilder::new();
    let made = directory.recursive(true).mode(0o700).create(path);
    made.map_err(|error| StartError::Directory(PathBuf::from(path), error))
}
