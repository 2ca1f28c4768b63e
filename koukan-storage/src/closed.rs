//! The error of a closed backend.

use koukan_core::storage::BackendError;

/// The backend was closed.
#[derive(Debug, thiserror::Error)]
#[error("database is closed")]
struct Closed;

pub(crate) fn closed() -> BackendError {
    BackendError::Failed(Closed.into())
}
