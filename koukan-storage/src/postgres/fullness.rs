//! Whether the server has room for new mail.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use koukan_core::storage::BackendError;
use tokio::time::Instant;

/// How long the server counts as full after it said so, unless it has written something since.
const FULL: Duration = Duration::from_secs(5);

/// The server has reported that its disk is full.
#[derive(Debug, thiserror::Error)]
#[error("the disk of the database is full: new mail is refused")]
struct DiskFull;

/// Since when the server's disk is full, kept in memory.
#[derive(Debug, Default)]
pub(super) struct Fullness(Mutex<Option<Instant>>);

impl Fullness {
    pub(super) fn has_room(&self) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| since.elapsed() >= FULL)
    }

    /// Whether new mail may be written.
    pub(super) fn check(&self) -> Result<(), BackendError> {
        match self.has_room() {
            true => Ok(()),
            false => Err(BackendError::Full(DiskFull.into())),
        }
    }

    /// Notes what the server has reported.
    pub(super) fn note(&self, is_full: bool) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *since = is_full.then(Instant::now);
    }
}
