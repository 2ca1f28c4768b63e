//! How much space is left on a medium.

use std::{fmt, io, path::Path};

/// Tells how much may still be written to the medium of a file.
///
/// [`FileSystem`] asks the operating system. Tests, and programs that know of quotas, implement
/// their own.
pub trait FreeSpace: fmt::Debug + Send + Sync + 'static {
    /// Returns how many octets this process may still write to the medium of the file at `path`.
    ///
    /// It is called at most once a second, except when much was written in between.
    ///
    /// # Errors
    ///
    /// Any error of the operating system. The medium then counts as having space.
    fn free(&self, path: &Path) -> io::Result<u64>;
}

/// Asks the operating system about the file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileSystem;

impl FreeSpace for FileSystem {
    fn free(&self, path: &Path) -> io::Result<u64> {
        let status = rustix::fs::statvfs(path)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}
