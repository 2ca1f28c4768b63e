//! Copies a database that may be in use.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::private;

use super::{
    OpenError, SqliteOptions,
    error::Cause,
    files::beside,
    inspect::{Access, Found, look, verify},
    open::sync,
};

/// The result of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// The size of the copy in octets.
    pub octets: u64,
    /// How many of its transactions are not over. An agent that is started on the copy delivers
    /// them.
    pub unfinished: u64,
}

/// Why no copy was made. Nothing is left at the target.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database does not exist.
    #[error("there is no database {}", path.display())]
    NoDatabase {
        /// Where it should be.
        path: PathBuf,
    },
    /// The target exists. Nothing is overwritten.
    #[error("{} exists already: name a file that does not", path.display())]
    Exists {
        /// Where the copy was to be.
        path: PathBuf,
    },
    /// The database or the copy cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The copy could not be written.
    #[error("could not write {}", path.display())]
    NotWritten {
        /// Where the copy was to be.
        path: PathBuf,
        /// The error of the operating system or of the database.
        #[source]
        source: crate::BoxError,
    },
}

impl SqliteOptions {
    /// Copies the database into a new file while an agent may be using it. The copy contains
    /// everything that was committed when it began. Writers are not delayed.
    ///
    /// When this returns, the copy is complete, durable, and readable by its owner only. Until then
    /// its name ends in `.part`. An agent that is started on the copy repeats deliveries that were
    /// made after the copy began, so recipients get second copies.
    ///
    /// # Errors
    ///
    /// [`BackupError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, a file whose name ends in `.part` is left. The next copy replaces it.
    pub async fn back_up(&self, to: impl AsRef<Path>) -> Result<Backup, BackupError> {
        let to = to.as_ref();
        if fs::symlink_metadata(to).is_ok() {
            return Err(BackupError::Exists { path: to.into() });
        }
        let from = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let Found::Database(_) = look(&from, Access::Read)? else {
            return Err(BackupError::NoDatabase { path: from });
        };
        let part = beside(to, ".part");
        let copied = self.copy(&from, &part).await;
        let copied = match copied {
            Ok(unfinished) => finish(&part, to)
                .await
                .map(|octets| Backup { octets, unfinished }),
            Err(error) => Err(error),
        };
        if copied.is_err() {
            for left in [beside(&part, "-journal"), part] {
                let _ = fs::remove_file(left);
            }
        }
        copied
    }

    async fn copy(&self, from: &Path, part: &Path) -> Result<u64, BackupError> {
        let not_written = |source: crate::BoxError| BackupError::NotWritten {
            path: part.into(),
            source,
        };
        match fs::remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(not_written(error.into()));
            }
            _ => {}
        }
        let Some(name) = part.to_str() else {
            return Err(not_written("the name is not UTF-8".into()));
        };
        let mut file = File::options();
        let file = file.write(true).create_new(true).mode(private::FILE);
        file.open(part).map_err(|error| not_written(error.into()))?;
        let unusable = |error: sqlx::Error| Cause::from(error).into_open_error(from);
        let mut database = self.reading(from).connect().await.map_err(unusable)?;
        // Gaps within the copy's pages hold nothing of what was moved from there: it could not be erased later.
        let tidy = sqlx::query("PRAGMA secure_delete = ON").execute(&mut database);
        tidy.await.map_err(unusable)?;
        let copied = sqlx::query("VACUUM INTO ?")
            .bind(name)
            .execute(&mut database)
            .await;
        copied.map_err(|error| not_written(Cause::from(error).into()))?;
        database.close().await.map_err(unusable)?;
        let len = fs::metadata(part).map_err(|error| not_written(error.into()))?;
        let unusable = |error: sqlx::Error| Cause::from(error).into_open_error(part);
        let mut copy = self.connecting(part).connect().await.map_err(unusable)?;
        verify(&mut copy, part, len.len()).await?;
        let unfinished = unfinished(&mut copy).await.map_err(unusable)?;
        copy.close().await.map_err(unusable)?;
        Ok(unfinished)
    }
}

async fn unfinished(copy: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let count = "SELECT count(*) FROM transactions WHERE final_reason IS NULL";
    let count: i64 = sqlx::query_scalar(count).fetch_one(copy).await?;
    Ok(count.unsigned_abs())
}

/// Makes the copy durable, and gives it its final name.
async fn finish(part: &Path, to: &Path) -> Result<u64, BackupError> {
    let not_written = |source: io::Error| BackupError::NotWritten {
        path: to.into(),
        source: source.into(),
    };
    let synced = tokio::task::spawn_blocking({
        let part = part.to_owned();
        move || {
            let file = File::open(part)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        }
    });
    let octets = synced.await.unwrap_or_else(|error| Err(error.into()));
    let octets = octets.map_err(not_written)?;
    // If somebody has created a file with that name meanwhile, that file stays.
    fs::hard_link(part, to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.into() },
        _ => not_written(error),
    })?;
    fs::remove_file(part).map_err(not_written)?;
    sync(to).await?;
    Ok(octets)
}
