//! Where the octets of a blob lie when they are not in memory.

use std::io;

use async_trait::async_trait;
use bytes::Bytes;

/// Octets at offsets: a spill file, or the chunks of a blob in durable storage.
#[async_trait]
pub trait Backing: Send + Sync + 'static {
    /// Reads from `offset` (octets from the start) at least one octet, as many as are convenient.
    ///
    /// Asked only for offsets that have been written.
    ///
    /// # Errors
    ///
    /// Whatever the medium reports; a reader that gets an error must not be taken for one that
    /// reached the end.
    async fn read(&self, offset: u64) -> io::Result<Bytes>;
}

/// A place to put octets that do not fit into memory. Not durable: it need not survive a crash.
#[async_trait]
pub trait SpillFile: Backing {
    /// Writes `chunks`, one after the other, from `offset` on, which is where the last write
    /// ended.
    ///
    /// # Errors
    ///
    /// Whatever the medium reports, a full disk above all.
    async fn write(&self, offset: u64, chunks: Vec<Bytes>) -> io::Result<()>;
}

/// Makes spill files.
#[async_trait]
pub trait Spill: Send + Sync + 'static {
    /// Makes a new, empty file that is gone when it is dropped.
    ///
    /// # Errors
    ///
    /// Whatever the medium reports; [`io::ErrorKind::QuotaExceeded`] where there are as many files as
    /// there may be.
    async fn create(&self) -> io::Result<std::sync::Arc<dyn SpillFile>>;
}
