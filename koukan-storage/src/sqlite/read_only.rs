//! Opens a database without changing it.

use std::{cmp::Ordering, fs, path::Path, sync::Arc};

use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::reader::Reader;

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    files::Files,
    inspect::{Access, Found, look, tables_of_ours},
    migrations::migrator,
    reading::Readers,
    room::Room,
};

/// Opens a database to read it. If there is a log, it is read too, whether or not an agent is
/// writing it.
pub(super) async fn open(options: &SqliteOptions) -> Result<(Reader, Arc<Room>), OpenError> {
    let path = fs::canonicalize(&options.path).unwrap_or_else(|_| options.path.clone());
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(&path);
    if let Found::Nothing = look(&path, Access::Read)? {
        return Err(OpenError::Missing { path });
    }
    let connection = options.reading(&path).connect().await;
    let mut connection = connection.map_err(failed)?;
    tables_of_ours(&mut connection, &path).await?;
    check_version(&mut connection, &path).await?;
    connection.close().await.map_err(failed)?;
    let files = Files::note_read(&path).map_err(|source| {
        let path = path.clone();
        OpenError::Io { path, source }
    })?;
    let room = Arc::new(options.room(&path));
    let readers = Readers::new(options.reading(&path), options.readers(), Arc::new(files));
    let reader = Reader::new(readers);
    Ok((reader, room))
}

/// Checks that the schema is the current one.
pub(super) async fn check_version(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| Cause::from(error).into_open_error(path);
    let version = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
    let version: Option<i64> = version.fetch_one(connection).await.map_err(failed)?;
    let version = version.unwrap_or_default();
    let known = migrator().iter().map(|migration| migration.version).max();
    let path = path.to_owned();
    match version.cmp(&known.unwrap_or_default()) {
        Ordering::Greater => Err(OpenError::UnknownSchema { path, version }),
        Ordering::Less => Err(OpenError::OldSchema { path, version }),
        Ordering::Equal => Ok(()),
    }
}
