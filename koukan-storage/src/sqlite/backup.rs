//! A copy of a database that may be in use.

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

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// Octets of the copy.
    pub octets: u64,
    /// Transactions in it that are not over: what an agent that is started on it delivers.
    pub unfinished: u64,
}

/// No copy was made; where it was to be is nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database {}", path.display())]
    NoDatabase {
        /// Where it should be.
        path: PathBuf,
    },
    /// Nothing is overwritten.
    #[error("{} is there already: name a file that is not", path.display())]
    Exists {
        /// Where the copy was to be.
        path: PathBuf,
    },
    /// The database, or the copy, cannot be used.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The copy could not be written.
    #[error("could not write {}", path.display())]
    NotWritten {
        /// Where the copy was to be.
        path: PathBuf,
        /// What the operating system or the database reports.
        #[source]
        source: crate::BoxError,
    },
}

impl SqliteOptions {
    /// Copies the database into a new file while an agent may be using it: what was committed when the
    /// copy began is in it, and whoever writes meanwhile is not held up.
    ///
    /// The copy is whole, durable and readable by its owner only when this returns; it is made under
    /// the name with `.part` after it. An agent started on it attempts once more what was delivered
    /// since, so that there are second copies of that.
    ///
    /// # Errors
    ///
    /// [`BackupError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it leaves the file with `.part` in its name; the next one replaces that.
    pub async fn back_up(&self, to: impl AsRef<Path>) -> Result<Backup, BackupError> {
        let to = to.as_ref();
        if fs::symlink_metadata(to).is_ok() {
            return Err(BackupError::Exists { path: to.into() });
        }
        let from = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let Found::Database(_) = look(&from, Access::Write)? else {
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
            let _ = fs::remove_file(&part);
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

/// Makes the copy durable, and gives it its name.
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
    // A name that somebody has taken meanwhile is left to them.
    fs::hard_link(part, to).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.into() },
        _ => not_written(error),
    })?;
    fs::remove_file(part).map_err(not_written)?;
    sync(to).await?;
    Ok(octets)
}
