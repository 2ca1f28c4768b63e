//! Keeps those parts of message bodies on disk that do not fit into memory: [`TempSpill`].

mod file;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use koukan_core::blob::{Spill, SpillFile};
use tokio::sync::Semaphore;

use crate::{FreeSpace, private};

use self::file::TempFile;

/// Writes what does not fit into memory to temporary files in one directory.
///
/// The files have no name, so they vanish with the process, however it ends. Only their owner may
/// read them.
#[derive(Debug, Clone)]
pub struct TempSpill {
    directory: PathBuf,
    room: Arc<Semaphore>,
    reserve: Option<Arc<Reserve>>,
}

/// The space that is to stay free on the medium for others.
#[derive(Debug)]
struct Reserve {
    directory: PathBuf,
    octets: u64,
    free_space: Arc<dyn FreeSpace>,
}

impl TempSpill {
    /// Uses `directory`, which is created if it is missing, with access for its owner only.
    ///
    /// # Errors
    ///
    /// Any error of creating the directory, or a file in it as a trial.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        private::make_directory(&directory)?;
        tempfile::tempfile_in(&directory)?;
        Ok(Self {
            directory,
            room: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            reserve: None,
        })
    }

    /// Limits how many files may exist at the same time, at least one. Beyond the limit, creating a
    /// file fails with [`io::ErrorKind::QuotaExceeded`]. Default: no limit.
    #[must_use]
    pub fn with_max_files(mut self, max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        self.room = Arc::new(Semaphore::new(max));
        self
    }

    /// Writes only while `octets` stay free, above all for a database on the same medium (see
    /// [`SqliteOptions::with_reserve`](crate::SqliteOptions::with_reserve)). Otherwise writing fails
    /// with [`io::ErrorKind::StorageFull`]. Default: no limit.
    #[must_use]
    pub fn with_reserve(mut self, octets: u64, free_space: Arc<dyn FreeSpace>) -> Self {
        let directory = self.directory.clone();
        self.reserve = (octets > 0).then(|| {
            Arc::new(Reserve {
                directory,
                octets,
                free_space,
            })
        });
        self
    }

    /// The directory of the files.
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
        let reserve = self.reserve.clone();
        Ok(Arc::new(TempFile::new(file, room, reserve)))
    }
}

impl Reserve {
    /// Checks whether `octets` may be written. If the free space is unknown, they may.
    fn check(&self, octets: u64) -> io::Result<()> {
        let free = self.free_space.free(&self.directory).unwrap_or(u64::MAX);
        match free.saturating_sub(octets) >= self.octets {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

/// Does blocking file work in a thread where it delays no task.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}
