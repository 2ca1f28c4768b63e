//! Opening a database.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::{ConnectOptions, Connection, SqliteConnection, migrate::MigrateError};
use tokio::sync::watch;

use crate::{
    BoxError, database::Connection as AnyConnection, private, query::Values, reader::Reader,
    renamed::rename_destinations, writer::Writer,
};

use super::{
    SqliteOptions,
    ballast::Ballast,
    create::create,
    error::Cause,
    files::{Files, beside},
    inspect::{Access, Found, inspect, look},
    lock::ProcessLock,
    migrations::migrator,
    old_log,
    prepare::prepare,
    reading::Readers,
    room::{Pages, Room},
    stall::Stall,
    writer::{self, Shared, count_pages},
};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory for the file is missing.
    #[error("there is no directory {}", path.display())]
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Another process uses the database.
    #[error("database {} is in use by another process: stop that first", path.display())]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// The path is a directory or a device.
    #[error("{} is not a file: name a file for the database", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file is not a SQLite database.
    #[error("{} is not a SQLite database: name another file, or move this one away", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is empty, so the queue in it is lost.
    #[error(
        "database {} is empty: restore it, or remove the file to begin with an empty queue",
        path.display()
    )]
    Empty {
        /// The database.
        path: PathBuf,
    },
    /// There is a log, but the database that it belongs to is missing.
    #[error(
        "there is no database {0}, but its log {0}-wal, which may hold messages: put the database \
         back beside it, or remove the log to begin with an empty queue",
        path.display()
    )]
    LogAlone {
        /// The database.
        path: PathBuf,
    },
    /// The log of the database is damaged. An agent that starts keeps a copy of it.
    #[error(
        "the log {0}-wal is damaged, and its last commits ({commits}) cannot be read, in which there may be mail: \
         restore it, or start the agent, which keeps a copy of it as {0}-wal.damaged and goes on without them",
        path.display()
    )]
    DamagedLog {
        /// The database.
        path: PathBuf,
        /// How many commits are in the log after the place where it is damaged.
        commits: u64,
    },
    /// The database belongs to another program.
    #[error(
        "{} is a database of another program, or its tables are gone: name another file, restore \
         it, or move it away to begin with an empty queue",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error(
        "database {} is damaged ({what}): restore it, or save what can be read with \
         `sqlite3 FILE .recover`, and move it away to begin with an empty queue",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The database was made by another version, most likely a newer one.
    #[error("database {} has schema version {version}, which this program does not know", path.display())]
    UnknownSchema {
        /// The database.
        path: PathBuf,
        /// The version of its schema.
        version: i64,
    },
    /// The database was made by an earlier version, and is to be opened for reading only.
    #[error(
        "database {} has schema version {version}, which is an earlier one: start the agent once, or \
         use `koukan migrate`, to bring it up to date",
        path.display()
    )]
    OldSchema {
        /// The database.
        path: PathBuf,
        /// The version of its schema.
        version: i64,
    },
    /// There is no database, and reading does not create one.
    #[error("there is no database {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is no space on the disk, even after the reserve was released.
    #[error("could not open database {}: the disk is full", path.display())]
    Full {
        /// The database.
        path: PathBuf,
        /// The error.
        #[source]
        source: BoxError,
    },
    /// A file beside the database could not be used.
    #[error("could not use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Any other error of SQLite.
    #[error("could not open database {}", path.display())]
    Failed {
        /// The database.
        path: PathBuf,
        /// The error.
        #[source]
        source: BoxError,
    },
}

/// Opens a database. `written` changes when events are committed.
pub(super) async fn open(
    options: &SqliteOptions,
    written: watch::Sender<u64>,
    stall: Arc<Stall>,
) -> Result<(Writer, Reader, Arc<Room>), OpenError> {
    check_directory(&options.path)?;
    let real = options.real_path();
    let path = real.as_path();
    let lock = ProcessLock::take(path)?;
    let room = Arc::new(options.room(path));
    let mut ballast = room.ballast();
    let (connection, pages) = match connect(options, path).await {
        Err(OpenError::Full { .. }) if ballast.as_mut().is_some_and(Ballast::let_go) => {
            tracing::warn!("the disk is full: releasing the space that was reserved for this case");
            connect(options, path).await?
        }
        connected => connected?,
    };
    sync(path).await?;
    let files = Files::note(&options.path, path).map_err(|source| {
        let path = path.to_owned();
        OpenError::Io { path, source }
    })?;
    let files = Arc::new(files);
    let readers = Readers::new(options.reading(path), options.readers(), Arc::clone(&files));
    let reader = Reader::new(readers);
    if room.is_kept()
        && room.look(pages, false)
        && let Some(ballast) = &mut ballast
    {
        ballast.keep().await;
    }
    let writing = options.writing(path, options.limit(pages.all));
    let shared = Shared {
        files,
        room: Arc::clone(&room),
        ballast,
        stall,
    };
    let events = (options.keeps_events, written);
    let writer = writer::start(connection, writing, shared, events, lock);
    Ok((writer, reader, room))
}

/// Opens the connection that writes, and counts the pages.
async fn connect(
    options: &SqliteOptions,
    path: &Path,
) -> Result<(AnyConnection, Pages), OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let mut connection = AnyConnection::from(up_to_date(options, path).await?);
    rename_destinations(&mut connection).await.map_err(failed)?;
    let pages = count_pages(&mut connection).await.map_err(failed)?;
    if let Some(limit) = options.limit(pages.all) {
        let limit = format!("PRAGMA max_page_count = {limit}");
        let limited = connection.run(limit.into(), 1, Values::default());
        limited.await.map_err(failed)?;
    }
    Ok((connection, pages))
}

/// Creates the database at `path`, or brings its schema up to date. The caller holds the lock.
pub(super) async fn up_to_date(
    options: &SqliteOptions,
    path: &Path,
) -> Result<SqliteConnection, OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    match look(path, Access::Write)? {
        Found::Nothing => create(options, path).await?,
        Found::Database(len) => {
            inspect(options, path, len).await?;
            old_log::keep(path).await?;
            let preparing = options.connecting(path);
            let mut connection = preparing.connect().await.map_err(failed)?;
            prepare(&mut connection, path, len).await.map_err(failed)?;
            connection.close().await.map_err(failed)?;
        }
    }
    // SQLite gives a new log the same permissions as the database.
    for suffix in ["", "-wal", "-shm"] {
        private::tighten(&beside(path, suffix));
    }
    let mut connection = options.migrating(path).connect().await.map_err(failed)?;
    migrate(&mut connection, path).await?;
    Ok(connection)
}

/// Checks that the directory for the database exists.
pub(super) fn check_directory(database: &Path) -> Result<(), OpenError> {
    let directory = directory(database);
    match directory.is_dir() {
        true => Ok(()),
        false => Err(OpenError::NoDirectory {
            path: directory.into(),
        }),
    }
}

pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let path = path.to_owned();
    match migrator().run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version)) => {
            Err(OpenError::UnknownSchema { path, version })
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(failed(error))
        }
        Err(error) => {
            let source = error.into();
            Err(OpenError::Failed { path, source })
        }
    }
}

/// Makes the name of a new file durable.
pub(super) async fn sync(file: &Path) -> Result<(), OpenError> {
    let path = directory(file).to_owned();
    let synced = tokio::task::spawn_blocking({
        let path = path.clone();
        move || File::open(path)?.sync_all()
    });
    let synced = synced
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    synced.map_err(|source| OpenError::Io { path, source })
}

pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
