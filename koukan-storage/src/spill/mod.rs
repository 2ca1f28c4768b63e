//! What message bodies do not fit into memory: [`TempSpill`].

mod file;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use koukan_core::blob::{Spill, SpillFile};
use tokio::sync::Semaphore;

use crate::private;

use self::file::TempFile;

/// Puts what does not fit into memory into temporary files in one directory.
///
/// The files have no name there, so they are gone with the process, however it ends; only their
/// owner may read them.
#[derive(Debug, Clone)]
pub struct TempSpill {
    directory: PathBuf,
    room: Arc<Semaphore>,
}

impl TempSpill {
    /// Uses `directory`, which is made if it is missing, for its owner alone.
    ///
    /// # Errors
    ///
    /// Whatever making the directory, or a file in it as a trial, reports.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        private::make_directory(&directory)?;
        tempfile::tempfile_in(&directory)?;
        Ok(Self {
            directory,
            room: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        })
    }

    /// Makes so many files at the same time at most, one at least; another fails with
    /// [`io::ErrorKind::QuotaExceeded`]. Default: no limit.
    #[must_use]
    pub fn with_max_files(mut self, max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        self.room = Arc::new(Semaphore::new(max));
        self
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

#[async_trait]
impl Spill for TempSpill {
    async fn create(&self) -> io::Result<Arc<dyn SpillFile>> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| io::ErrorKind::QuotaExceeded)?;
        let directory = self.directory.clone();
        let file = blocking(move || tempfile::tempfile_in(directory)).await?;
        Ok(Arc::new(TempFile::new(file, room)))
    }
}

/// Does file work where it holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}
