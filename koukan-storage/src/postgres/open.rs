//! Opening a database.

use std::{sync::Arc, time::Duration};

use koukan_core::storage::record::SessionId;
use sqlx::{ConnectOptions, Connection as _, PgConnection, migrate::MigrateError};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{BoxError, reader::Reader, writer::Writer};

use super::{
    PostgresOptions,
    error::Cause,
    fullness::Fullness,
    listener::Listener,
    migrations::migrator,
    reading::Readers,
    writer::{self, Link, LinkError},
};

/// The oldest version of the server that this was written for.
const OLDEST: i32 = 130_000;
/// How long a connection may take to be there.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A PostgreSQL database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// There is no such server or database, or it does not let this program in.
    #[error("could not connect to database {name}")]
    Unreachable {
        /// The database.
        name: String,
        /// What was reported.
        #[source]
        source: BoxError,
    },
    /// The server is too old.
    #[error("the server of database {name} is older than PostgreSQL 13")]
    TooOld {
        /// The database.
        name: String,
    },
    /// Another process has the database for itself.
    #[error("database {name} is in use by another process, which has it alone: stop that first")]
    InUse {
        /// The database.
        name: String,
    },
    /// The database was made by another version, most likely a newer one.
    #[error("database {name} has schema version {version}, which this program does not know")]
    UnknownSchema {
        /// The database.
        name: String,
        /// The version of its schema.
        version: i64,
    },
    /// The server reports something else.
    #[error("could not open database {name}")]
    Failed {
        /// The database.
        name: String,
        /// What it reports.
        #[source]
        source: BoxError,
    },
}

pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) fullness: Arc<Fullness>,
}

/// Opens a database; `written` is told of the events that are committed.
pub(super) async fn open(
    options: &PostgresOptions,
    written: watch::Sender<u64>,
) -> Result<Opened, PostgresError> {
    let mut options = options.clone();
    options.process = SessionId::random().to_string();
    let options = &options;
    let name = options.name();
    await_server(options).await;
    migrate(options).await?;
    let link = Link::new(options);
    let (count, readers) = options.shares();
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(link.connect().await.map_err(|error| match error {
            LinkError::InUse => PostgresError::InUse { name: name.clone() },
            LinkError::Failed(cause) => failed(&name, cause),
        })?);
    }
    let fullness = Arc::new(Fullness::default());
    let events = (options.keeps_events, written.clone());
    let writer = writer::start(connections, link, Arc::clone(&fullness), events, options);
    let readers = Readers::new(
        options.reading(),
        readers,
        options.silence(),
        options.patience,
    );
    if options.listens() {
        let listener = Listener {
            options: options.using(),
            own: options.process.clone(),
            silence: options.silence(),
            written,
        };
        tokio::spawn(listener.run(readers.pool()));
    }
    Ok(Opened {
        writer,
        reader: Reader::new(readers),
        fullness,
    })
}

/// Waits for a server that is away, as long as what cannot be done at the moment is tried again; another trouble with it
/// is told of by whoever connects next.
async fn await_server(options: &PostgresOptions) {
    let until = Instant::now() + options.patience;
    let mut pause = PAUSE;
    let mut is_told = false;
    loop {
        let limit = CONNECTING.min(until.saturating_duration_since(Instant::now()));
        let cause = match timeout(limit, options.migrating().connect()).await {
            Ok(Ok(connection)) => {
                // What is left of it is of no importance.
                let _ = connection.close().await;
                return;
            }
            Ok(Err(error)) => Cause::from(error),
            Err(_) => Cause::silent(limit),
        };
        if !cause.is_away() || Instant::now() + pause >= until {
            return;
        }
        if !std::mem::replace(&mut is_told, true) {
            let (name, seconds) = (options.name(), options.patience.as_secs());
            tracing::warn!(name, seconds, error = %cause, "the database is not there; it is waited for");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A connection on which the schema may be looked at, and changed.
pub(super) async fn connect_to_migrate(
    options: &PostgresOptions,
) -> Result<PgConnection, PostgresError> {
    let name = options.name();
    let connecting = timeout(CONNECTING, options.migrating().connect()).await;
    let unreachable = |cause: Cause| PostgresError::Unreachable {
        name: name.clone(),
        source: cause.into(),
    };
    let mut connection = match connecting {
        Ok(connected) => connected.map_err(|error| unreachable(error.into()))?,
        Err(_) => return Err(unreachable(Cause::silent(CONNECTING))),
    };
    if version(&mut connection)
        .await
        .map_err(|error| failed(&name, error.into()))?
        < OLDEST
    {
        return Err(PostgresError::TooOld { name });
    }
    Ok(connection)
}

/// Brings the schema up to date. Of several who do so at the same time, each waits for those before.
pub(super) async fn migrate(options: &PostgresOptions) -> Result<(), PostgresError> {
    let name = options.name();
    let mut connection = connect_to_migrate(options).await?;
    match migrator().run_direct(None, &mut connection, false).await {
        Ok(()) => {}
        Err(MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version)) => {
            return Err(PostgresError::UnknownSchema { name, version });
        }
        Err(error) => {
            let source = error.into();
            return Err(PostgresError::Failed { name, source });
        }
    }
    // What is left of it is of no importance.
    let _ = connection.close().await;
    Ok(())
}

async fn version(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let version = "SELECT CAST(current_setting('server_version_num') AS INTEGER)";
    sqlx::query_scalar(version).fetch_one(connection).await
}

pub(super) fn failed(name: &str, cause: Cause) -> PostgresError {
    PostgresError::Failed {
        name: name.into(),
        source: cause.into(),
    }
}
