//! Whether the disk answers.
//!
//! A write to a disk that hangs waits in the system, and cannot be taken back: it may still be done. So
//! those whose commit is under way wait for its end. Whoever comes while it hangs is refused at once.
//!
//! The system's clock counts, and not tokio's: that one may be paused in tests, and then runs ahead of the
//! disk.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// After how long a write counts as hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The write under way.
#[derive(Debug)]
pub(super) struct Stall {
    patience: Duration,
    since: Mutex<Option<Instant>>,
}

/// A write has been under way for too long.
#[derive(Debug, thiserror::Error)]
#[error(
    "a write has waited for the disk, or for the lock of another program, for {seconds} seconds"
)]
pub(super) struct Stalled {
    seconds: u64,
}

impl Stall {
    /// A write that lasts longer than `patience` hangs.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: Mutex::default(),
        }
    }

    /// Notes that a write begins.
    #[expect(
        clippy::disallowed_methods,
        reason = "a disk does not follow paused time"
    )]
    pub(super) fn begin(&self) {
        self.set(Some(Instant::now()));
    }

    /// Notes that it has ended.
    pub(super) fn end(&self) {
        self.set(None);
    }

    /// Whether the write under way, if any, began only a moment ago.
    pub(super) fn check(&self) -> Result<(), Stalled> {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        match since.map(|since| since.elapsed()) {
            Some(elapsed) if elapsed >= self.patience => Err(Stalled {
                seconds: elapsed.as_secs(),
            }),
            _ => Ok(()),
        }
    }

    fn set(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bytes::Bytes;
    use futures_util::FutureExt;
    use jiff::Timestamp;
    use koukan_core::{
        blob::BlobId,
        storage::{BackendError, Blobs},
    };
    use sqlx::{
        ConnectOptions, Connection, Executor,
        sqlite::{SqliteConnectOptions, SqliteConnection},
    };
    use tokio::task::yield_now;

    use crate::SqliteBackend;

    use super::*;

    /// A lock of another program holds up writes, as a disk may.
    async fn lock(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path);
        let mut other = options.connect().await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        other
    }

    async fn write(backend: &SqliteBackend) -> Result<(), BackendError> {
        let octets = Bytes::from_static(b"octets");
        let written = backend.append_blob(BlobId::random(), 0, octets, Timestamp::UNIX_EPOCH);
        written.await
    }

    #[tokio::test]
    async fn whoever_comes_while_a_write_hangs_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.sqlite");
        let backend = SqliteBackend::open_patiently(path.clone().into(), Duration::ZERO);
        let backend = backend.await.unwrap();
        let other = lock(&path).await;
        let mut first = Box::pin(write(&backend));
        let refused = loop {
            assert!((&mut first).now_or_never().is_none(), "it hangs");
            yield_now().await;
            if let Some(refused) = write(&backend).now_or_never() {
                break refused;
            }
        };
        match refused {
            Err(BackendError::Failed(cause)) => {
                let told = cause.to_string();
                assert!(told.contains("has waited for the disk"), "{told}");
            }
            other => panic!("{other:?}"),
        }
        other.close().await.unwrap();
        first.await.unwrap();
        backend.close().await;
    }

    #[tokio::test]
    async fn where_time_is_paused_no_write_hangs() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("queue.sqlite");
        let backend = SqliteBackend::open(&path).await.unwrap();
        let other = lock(&path).await;
        let mut writes = Vec::new();
        tokio::time::pause();
        for _ in 0..3 {
            let mut next = Box::pin(write(&backend));
            assert!((&mut next).now_or_never().is_none());
            writes.push(next);
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        tokio::time::resume();
        other.close().await.unwrap();
        for write in writes {
            write.await.unwrap();
        }
        backend.close().await;
    }
}
