//! How much room is left on a medium.

use std::{fmt, io, path::Path};

/// Tells how much may still be written where a file is.
///
/// [`FileSystem`] asks the system; tests and those who know of quotas have their own.
pub trait FreeSpace: fmt::Debug + Send + Sync + 'static {
    /// Octets that this process may still write where the file at `path` is.
    ///
    /// Asked once a second at most, or when much was written.
    ///
    /// # Errors
    ///
    /// What the operating system reports; then there counts as being room.
    fn free(&self, path: &Path) -> io::Result<u64>;
}

/// What the file system says.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl FreeSpace for FileSystem {
    fn free(&self, path: &Path) -> io::Result<u64> {
        let status = rustix::fs::statvfs(path)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}
