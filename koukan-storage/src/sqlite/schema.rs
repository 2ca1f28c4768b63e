//! Shows a database's schema, or updates it without an agent.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, Connection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::schema::{Recorded, Schema};

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    files::beside,
    inspect::{Access, Found, inspect, look, tables_of_ours},
    lock::ProcessLock,
    migrations::migrator,
    old_log,
    open::{check_directory, up_to_date},
};

impl SqliteOptions {
    /// Returns the state of the schema, and changes nothing. An agent may be using the database. Where
    /// there is no database, all migrations are pending.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub async fn schema(&self) -> Result<Schema, OpenError> {
        let path = self.real_path();
        match look(&path, Access::Read)? {
            Found::Nothing => Ok(compare(&path, Vec::new())),
            Found::Database(_) => read(self.reading(&path), &path).await,
        }
    }

    /// Checks what opening the database checks: that it is one of ours and undamaged, and that nobody uses it.
    /// Nothing is changed, unless the first start on a copy was interrupted: then SQLite takes back what it
    /// began. Returns the state of its schema. Where there is no database, all migrations are pending.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`OpenError::Locked`] where an agent runs, [`OpenError::DamagedLog`] where opening it
    /// would go on without a part of the log.
    pub async fn check(&self) -> Result<Schema, OpenError> {
        check_directory(&self.path)?;
        let path = self.real_path();
        let _lock = match beside(&path, ".lock").exists() {
            true => Some(ProcessLock::take(&path)?),
            false => None,
        };
        match look(&path, Access::Write)? {
            Found::Nothing => Ok(compare(&path, Vec::new())),
            Found::Database(len) => {
                inspect(self, &path, len).await?;
                let commits = old_log::look(&path).await?;
                if commits > 0 {
                    return Err(OpenError::DamagedLog { path, commits });
                }
                read(self.inspecting(&path), &path).await
            }
        }
    }

    /// Creates the database if it is missing, and brings its schema up to date, as opening it does. Nobody
    /// may be using it.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`OpenError::Locked`] where an agent runs, [`OpenError::UnknownSchema`] where a newer
    /// program has used it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, each migration was applied completely or not at all. The call may be
    /// repeated.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        check_directory(&self.path)?;
        let path = self.real_path();
        let failed = |error: sqlx::Error| Cause::from(error).into_open_error(&path);
        let _lock = ProcessLock::take(&path)?;
        let connection = up_to_date(self, &path).await?;
        connection.close().await.map_err(failed)
    }

    /// The file that the path leads to; SQLite keeps its log beside that file.
    pub(super) fn real_path(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }
}

/// Reads the state of the schema.
async fn read(options: SqliteConnectOptions, path: &Path) -> Result<Schema, OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let mut connection = options.connect().await.map_err(failed)?;
    tables_of_ours(&mut connection, path).await?;
    let recorded = recorded(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    Ok(compare(path, recorded))
}

fn compare(path: &Path, recorded: Vec<Recorded>) -> Schema {
    Schema::compare(path.display().to_string(), &migrator(), recorded)
}

async fn recorded(connection: &mut SqliteConnection) -> Result<Vec<Recorded>, sqlx::Error> {
    let recorded = "SELECT version, description, checksum FROM _sqlx_migrations WHERE success";
    let rows = sqlx::query(recorded).fetch_all(connection).await?;
    let recorded = rows.iter().map(|row| {
        Ok(Recorded {
            version: row.try_get(0)?,
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
        })
    });
    recorded.collect()
}
