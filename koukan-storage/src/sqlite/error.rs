//! What the database reports, as the contract says it.

use std::{error::Error, fmt, sync::Arc};

use koukan_core::storage::BackendError;

/// The cause of an error, shared by everyone whose write failed together.
///
/// Keeps the driver's types out of the API.
#[derive(Clone)]
pub(super) struct Cause(Arc<sqlx::Error>);

/// The backend was closed.
#[derive(Debug, thiserror::Error)]
#[error("database is closed")]
pub(super) struct Closed;

/// `SQLITE_FULL`.
const FULL: &str = "13";
/// `SQLITE_IOERR_SHMSIZE`: no room for the index of the log.
const NO_ROOM_FOR_INDEX: &str = "4874";
/// `SQLITE_NOTADB`.
const NOT_A_DATABASE: &str = "26";

impl Cause {
    pub(super) fn is_not_a_database(&self) -> bool {
        self.has_code(NOT_A_DATABASE)
    }

    fn is_full(&self) -> bool {
        self.has_code(FULL) || self.has_code(NO_ROOM_FOR_INDEX)
    }

    fn has_code(&self, code: &str) -> bool {
        let error = self.0.as_database_error();
        error.is_some_and(|error| error.code().as_deref() == Some(code))
    }
}

impl From<sqlx::Error> for Cause {
    fn from(error: sqlx::Error) -> Self {
        Self(Arc::new(error))
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

pub(super) fn failed(error: sqlx::Error) -> BackendError {
    Cause::from(error).into()
}

pub(super) fn closed() -> BackendError {
    BackendError::Failed(Closed.into())
}

impl Error for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
