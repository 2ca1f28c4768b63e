//! Translates errors of the database into those of the contract.

use std::{error::Error, fmt, path::Path, sync::Arc};

use koukan_core::storage::BackendError;

use super::{OpenError, files::FileLost, medium, stall::Stalled};

/// The cause of an error, shared by everyone whose write failed together.
///
/// Keeps the driver's types out of the API.
#[derive(Clone)]
pub(super) struct Cause(Arc<Fault>);

enum Fault {
    Sql(sqlx::Error),
    /// The medium is full, although SQLite has given no reason.
    Full(sqlx::Error),
    Lost(FileLost),
}

/// `SQLITE_BUSY`: another program has locked the database.
const BUSY: u32 = 5;
/// `SQLITE_CORRUPT`.
const CORRUPT: u32 = 11;
/// `SQLITE_FULL`.
const FULL: u32 = 13;
/// `SQLITE_NOTADB`.
const NOT_A_DATABASE: u32 = 26;
/// `SQLITE_IOERR_WRITE`. SQLite reports a full disk only where the system does. An exceeded quota
/// or file size limit is reported like this, and so is a broken disk.
const NOT_WRITTEN: u32 = 778;
/// `SQLITE_IOERR_SHMSIZE`: no room for the index of the log.
const NO_ROOM_FOR_INDEX: u32 = 4874;

impl Cause {
    /// Why the database at `path` could not be opened.
    pub(super) fn into_open_error(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        // The bits above the lowest octet only give details.
        match self.code().map(|code| code & 0xff) {
            Some(BUSY) => OpenError::Locked { path },
            Some(CORRUPT) => OpenError::Damaged {
                path,
                what: self.to_string(),
            },
            Some(NOT_A_DATABASE) => OpenError::NotADatabase { path },
            _ if self.is_full() => OpenError::Full {
                path,
                source: self.into(),
            },
            _ => OpenError::Failed {
                path,
                source: self.into(),
            },
        }
    }

    /// Whether the medium is full.
    pub(super) fn is_full(&self) -> bool {
        let is_found = matches!(&*self.0, Fault::Full(_));
        is_found || matches!(self.code(), Some(FULL | NO_ROOM_FOR_INDEX))
    }

    /// The same error, with the reason that the medium gives where SQLite gives none.
    pub(super) async fn with_reason(self, database: &Path) -> Self {
        let has_no_reason = self.code() == Some(NOT_WRITTEN);
        if !has_no_reason || !medium::is_full(database).await {
            return self;
        }
        match Arc::try_unwrap(self.0) {
            Ok(Fault::Sql(error)) => Self(Arc::new(Fault::Full(error))),
            Ok(other) => Self(Arc::new(other)),
            Err(shared) => Self(shared),
        }
    }

    /// Whether SQLite has met a damaged page, or a file that is no database.
    pub(super) fn is_damage(&self) -> bool {
        let code = self.code().map(|code| code & 0xff);
        matches!(code, Some(CORRUPT | NOT_A_DATABASE))
    }

    /// SQLite's extended result code.
    fn code(&self) -> Option<u32> {
        let (Fault::Sql(error) | Fault::Full(error)) = &*self.0 else {
            return None;
        };
        error.as_database_error()?.code()?.parse().ok()
    }
}

impl From<sqlx::Error> for Cause {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(Fault::Sql(error)))
    }
}

impl From<FileLost> for Cause {
    fn from(lost: FileLost) -> Self {
        Self(Arc::new(Fault::Lost(lost)))
    }
}

impl From<FileLost> for BackendError {
    fn from(lost: FileLost) -> Self {
        Self::Failed(lost.into())
    }
}

impl From<Stalled> for BackendError {
    fn from(stalled: Stalled) -> Self {
        Self::Failed(stalled.into())
    }
}

impl From<Cause> for BackendError {
    fn from(cause: Cause) -> Self {
        if cause.is_full() {
            Self::Full(cause.into())
        } else {
            Self::Failed(cause.into())
        }
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.0 {
            Fault::Sql(error) | Fault::Full(error) => error.source(),
            Fault::Lost(lost) => lost.source(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Fault::Sql(error) | Fault::Full(error) => fmt::Display::fmt(error, f),
            Fault::Lost(lost) => fmt::Display::fmt(lost, f),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Fault::Sql(error) | Fault::Full(error) => fmt::Debug::fmt(error, f),
            Fault::Lost(lost) => fmt::Debug::fmt(lost, f),
        }
    }
}
