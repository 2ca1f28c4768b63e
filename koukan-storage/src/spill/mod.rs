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

use crate::{FreeSpace, private};

use self::file::TempFile;

/// Puts what does not fit into memory into temporary files in one directory.
///
/// The files have no name there, so they are gone with the process, however it ends; only their
/// owner may read them.
#[derive(Debug, Clone)]
pub struct TempSpill {
    directory: PathBuf,
    room: Arc<Semaphore>,
    reserve: Option<Arc<Reserve>>,
}

/// What is to stay free on the medium, for others than this.
#[derive(Debug)]
struct Reserve {
    directory: PathBuf,
    octets: u64,
    free_space: Arc<dyn FreeSpace>,
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
            reserve: None,
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

    /// Writes only as long as so many octets stay free, for a database above all that lies on the same
    /// medium (see [`SqliteOptions::with_reserve`](crate::SqliteOptions::with_reserve)); beyond that it
    /// fails with [`io::ErrorKind::StorageFull`]. Default: no limit.
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
        let reserve = self.reserve.clone();
        Ok(Arc::new(TempFile::new(file, room, reserve)))
    }
}

impl Reserve {
    /// Whether so many octets may be written. What nobody can tell is no reason to refuse them.
    fn check(&self, octets: u64) -> io::Result<()> {
        let free = self.free_space.free(&self.directory).unwrap_or(u64::MAX);
        match free.saturating_sub(octets) >= self.octets {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
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
