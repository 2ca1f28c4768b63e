//! Creates a database.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use sqlx::{ConnectOptions, Connection};

use crate::private;

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    files::beside,
    open::{migrate, sync},
};

/// Creates a database with all its tables under another name, and then renames it. So a crash in
/// between leaves no database, rather than an empty one.
///
/// The caller holds the lock.
pub(super) async fn create(options: &SqliteOptions, path: &Path) -> Result<(), OpenError> {
    let draft = beside(path, ".new");
    let failed = |source| OpenError::Io {
        path: draft.clone(),
        source,
    };
    for left in [draft.clone(), beside(&draft, "-journal")] {
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    let mut file = File::options();
    let file = file.write(true).create_new(true).mode(private::FILE);
    file.open(&draft).map_err(failed)?;
    let options = options.creating(&draft);
    let mut connection = options
        .connect()
        .await
        .map_err(|error| Cause::from(error).into_open_error(path))?;
    migrate(&mut connection, path).await?;
    connection
        .close()
        .await
        .map_err(|error| Cause::from(error).into_open_error(path))?;
    fs::rename(&draft, path).map_err(failed)?;
    sync(path).await
}
