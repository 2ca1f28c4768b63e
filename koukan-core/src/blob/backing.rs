//! Where a blob's octets are stored when they are not in memory.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;

/// Octets at offsets: a spill file, or the chunks of a blob in durable storage.
#[async_trait]
pub trait Backing: Send + Sync + 'static {
    /// Reads at least one octet from `offset` on (in octets from the start), and as many as are
    /// convenient.
    ///
    /// Called only for offsets that have been written.
    ///
    /// # Errors
    ///
    /// Any error of the medium. A reader must not mistake an error for the end.
    async fn read(&self, offset: u64) -> io::Result<Bytes>;
}

/// A place for octets that do not fit into memory. It need not survive a crash.
#[async_trait]
pub trait SpillFile: Backing {
    /// Writes `chunks`, one after the other, at `offset`, which is where the last write ended.
    ///
    /// # Errors
    ///
    /// Any error of the medium, most likely a full disk.
    async fn write(&self, offset: u64, chunks: Vec<Bytes>) -> io::Result<()>;
}

/// Makes spill files.
#[async_trait]
pub trait Spill: Send + Sync + 'static {
    /// Creates an empty file, which is removed when it is dropped.
    ///
    /// # Errors
    ///
    /// Any error of the medium; [`io::ErrorKind::QuotaExceeded`] where the permitted number of files
    /// is reached.
    async fn create(&self) -> io::Result<std::sync::Arc<dyn SpillFile>>;
}
