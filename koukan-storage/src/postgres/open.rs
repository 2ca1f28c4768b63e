//! Opening a database.

use std::{sync::Arc, time::Duration};

use koukan_core::storage::record::SessionId;
use sqlx::{Connection as _, PgConnection, migrate::MigrateError};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{
    BoxError, database::Connection, reader::Reader, renamed::rename_destinations, writer::Writer,
};

use super::{
    PostgresFileError, PostgresOptions,
    error::Cause,
    fitness,
    fullness::Fullness,
    listener::Listener,
    migrations::migrator,
    reading::Readers,
    schema::schema_of,
    writer::{self, Link, LinkError},
};

/// The oldest supported version of the server.
const OLDEST: i32 = 130_000;
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why a PostgreSQL database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The server or the database does not exist, or refuses this program.
    #[error("could not connect to database {name}")]
    Unreachable {
        /// The database.
        name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A file that connections need cannot be read; nothing is waited for then.
    #[error(transparent)]
    File(#[from] PostgresFileError),
    /// The server is too old.
    #[error("the server of database {name} is older than PostgreSQL 13")]
    TooOld {
        /// The database.
        name: String,
    },
    /// Another process uses the database exclusively; or others use it, and this one would.
    #[error(
        "database {name} is in use, and one of its agents is to have it alone: stop the others first"
    )]
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
    /// The database was made by an earlier version, and is not to be changed now.
    #[error(
        "database {name} has schema version {version}, which is an earlier one: start an agent once, or use \
         `koukan migrate`, to bring it up to date"
    )]
    OldSchema {
        /// The database.
        name: String,
        /// The version of its schema.
        version: i64,
    },
    /// The database has no tables, and is not to be changed now.
    #[error("there is no queue in database {name}: no agent has been started on it")]
    Empty {
        /// The database.
        name: String,
    },
    /// The database cannot be used as it is: its settings, or the rights of this program's user, are in the way.
    #[error("database {name} cannot be used: {what}")]
    Unfit {
        /// The database.
        name: String,
        /// What is in the way.
        what: String,
        /// What to do about it.
        help: String,
    },
    /// Fewer connections may be made than the options ask for.
    #[error(
        "database {name}: {of} may have {limit} connections at a time, and an agent may make {wanted}"
    )]
    FewConnections {
        /// The database.
        name: String,
        /// Whose limit it is: the user's, the database's or the server's.
        of: String,
        /// The most connections at a time.
        limit: u32,
        /// How many are asked for.
        wanted: u32,
        /// What to do about it.
        help: String,
    },
    /// Any other error of the server.
    #[error("could not open database {name}")]
    Failed {
        /// The database.
        name: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

pub(super) struct Opened {
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) fullness: Arc<Fullness>,
}

/// Opens a database. `written` changes when events are committed, and `bans` when other processes have changed
/// suspensions or suppressions.
pub(super) async fn open(
    options: &PostgresOptions,
    (written, bans): (watch::Sender<u64>, watch::Sender<u64>),
) -> Result<Opened, PostgresError> {
    let mut options = options.clone();
    options.process = SessionId::random().to_string();
    let options = &options;
    let name = options.name();
    options.check_files()?;
    await_server(options).await;
    migrate(options).await?;
    let link = Link::new(options);
    let pulse = link.pulse.clone();
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
    let readers = Readers::new(options.reading(), readers, options.silence(), pulse);
    if options.listens() {
        let listener = Listener {
            access: options.using(),
            own: options.process.clone(),
            silence: options.silence(),
            written,
            bans,
        };
        tokio::spawn(listener.run(readers.lender()));
    }
    Ok(Opened {
        writer,
        reader: Reader::new(readers),
        fullness,
    })
}

/// Waits for an absent server for as long as failed operations are retried. Any other error is left to the next
/// connection.
async fn await_server(options: &PostgresOptions) {
    let until = Instant::now() + options.patience;
    let mut pause = PAUSE;
    let mut is_told = false;
    loop {
        let limit = CONNECTING.min(until.saturating_duration_since(Instant::now()));
        let cause = match timeout(limit, options.migrating().connect()).await {
            Ok(Ok(connection)) => {
                // How the connection ends does not matter.
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
            tracing::warn!(name, seconds, error = %cause, "the database is not there; waiting for it");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Connects to inspect or change the schema.
pub(super) async fn connect_to_migrate(
    options: &PostgresOptions,
) -> Result<PgConnection, PostgresError> {
    let name = options.name();
    options.check_files()?;
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

/// Brings the schema up to date. Several processes that do so at the same time wait for each other.
pub(super) async fn migrate(options: &PostgresOptions) -> Result<(), PostgresError> {
    let name = options.name();
    let mut connection = connect_to_migrate(options).await?;
    let schema = schema_of(&name, &mut connection).await?;
    if let Some(version) = schema.unknown() {
        return Err(PostgresError::UnknownSchema { name, version });
    }
    fitness::check(&name, &mut connection, &schema).await?;
    // Where nothing is pending, the user need not have the right to create tables.
    if schema.pending().next().is_some() {
        apply(&name, &mut connection).await?;
    }
    let mut connection = Connection::from(connection);
    if let Err(error) = rename_destinations(&mut connection).await {
        // Others may do the same now, and the next process does it again.
        tracing::warn!(database = name, %error, "what was queued under another spelling could not be renamed");
    }
    Ok(())
}

async fn apply(name: &str, connection: &mut PgConnection) -> Result<(), PostgresError> {
    let applied = migrator().run_direct(None, connection, false).await;
    applied.map_err(|error| match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionMismatch(version) => {
            let name = name.to_owned();
            PostgresError::UnknownSchema { name, version }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            failed(name, error.into())
        }
        error => PostgresError::Failed {
            name: name.to_owned(),
            source: error.into(),
        },
    })
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
