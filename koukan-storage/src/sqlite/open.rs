//! Opening a database.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, SqliteConnection, migrate::MigrateError};

use crate::BoxError;

use super::{
    SqliteOptions, error::Cause, lock::ProcessLock, migrations::migrator, reader::Reader,
    writer::Writer,
};

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory that the file is to be in is missing.
    #[error("there is no directory {}", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses the database.
    #[error("database {} is in use by another process", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database was made by another version, most likely a newer one.
    #[error("database {} has schema version {version}, which this program does not know", path.display())]
    UnknownSchema {
        /// The database.
        path: PathBuf,
        /// The version of its schema.
        version: i64,
    },
    /// A file beside the database could not be used.
    #[error("could not use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system reports.
        #[source]
        source: io::Error,
    },
    /// SQLite reports something else.
    #[error("could not open database {}", path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// What it reports.
        #[source]
        source: BoxError,
    },
}

pub(super) async fn open(options: &SqliteOptions) -> Result<(Writer, Reader), OpenError> {
    let directory = directory(&options.path);
    if !directory.is_dir() {
        let path = directory.into();
        return Err(OpenError::NoDirectory { path });
    }
    let lock = ProcessLock::take(&options.path)?;
    let failed = |error: sqlx::Error| {
        let path = options.path.clone();
        let cause = Cause::from(error);
        if cause.is_not_a_database() {
            return OpenError::NotADatabase { path };
        }
        let source = cause.into();
        OpenError::Failed { path, source }
    };
    let mut connection = options.writing().connect().await.map_err(failed)?;
    migrate(&mut connection, &options.path).await?;
    sync(directory).await?;
    let reader = Reader::new(options);
    let writer = Writer::start(connection, options, lock);
    Ok((writer, reader))
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let path = path.to_owned();
    match migrator().run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version)) => {
            Err(OpenError::UnknownSchema { path, version })
        }
        Err(error) => {
            let source = error.into();
            Err(OpenError::Failed { path, source })
        }
    }
}

/// Makes the name of a new file durable.
async fn sync(directory: &Path) -> Result<(), OpenError> {
    let path = directory.to_owned();
    let synced = tokio::task::spawn_blocking({
        let path = path.clone();
        move || File::open(path)?.sync_all()
    });
    let synced = synced
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    synced.map_err(|source| OpenError::Io { path, source })
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
