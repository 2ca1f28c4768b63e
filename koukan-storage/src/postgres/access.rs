//! How connections are made: with the password that its file has at that time, and with settings of the server.

use std::{io, path::Path, sync::Arc};

use koukan_core::files;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor, PgConnection, Postgres,
    postgres::PgConnectOptions,
};
use tokio::task::spawn_blocking;

/// The options of connections. The file with the password, where there is one, is read for each of them, so that the
/// password can be changed while the process runs.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) options: PgConnectOptions,
    pub(super) password_file: Option<Arc<Path>>,
    /// What is set on each connection once it is made: poolers take no settings with the connection.
    pub(super) settings: Vec<(&'static str, String)>,
}

/// A process of the server, which serves one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Process(pub(super) i32);

/// A connection, and the process that serves it.
pub(super) struct Session {
    pub(super) connection: PgConnection,
    pub(super) process: Process,
}

impl Access {
    /// The options of a connection that is made now.
    pub(super) async fn options_now(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let options = self.options.clone();
        let Some(file) = &self.password_file else {
            return Ok(options);
        };
        let path = Arc::clone(file);
        let read = spawn_blocking(move || files::read_to_string(&path)).await;
        let password = read.unwrap_or_else(|error| Err(io::Error::other(error)));
        let password = password.map_err(|error| {
            let message = format!("cannot read {}: {error}", file.display());
            io::Error::new(error.kind(), message)
        })?;
        Ok(options.password(password.trim()))
    }

    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options_now().await?.connect().await?;
        self.set(&mut connection).await?;
        Ok(connection)
    }

    /// Makes the settings on a connection.
    pub(super) async fn set(
        &self,
        connection: impl Executor<'_, Database = Postgres>,
    ) -> Result<(), sqlx::Error> {
        let settings = self.settings.iter();
        let settings = settings.map(|(name, value)| {
            let value = value.replace('\'', "''");
            format!("SET {name} = '{value}'; ")
        });
        let settings: String = settings.collect();
        if !settings.is_empty() {
            connection.execute(AssertSqlSafe(settings)).await?;
        }
        Ok(())
    }

    /// A connection that knows its session.
    pub(super) async fn session(&self) -> Result<Session, sqlx::Error> {
        let mut connection = self.connect().await?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()");
        let process = Process(process.fetch_one(&mut connection).await?);
        Ok(Session {
            connection,
            process,
        })
    }

    /// The same, with more settings of the server.
    pub(super) fn with<const N: usize>(mut self, settings: [(&'static str, String); N]) -> Self {
        self.settings.extend(settings);
        self
    }
}
