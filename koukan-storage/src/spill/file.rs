//! One temporary file.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use koukan_core::blob::{Backing, SpillFile};
use tokio::sync::OwnedSemaphorePermit;

use super::{Reserve, blocking};

/// The largest read, in octets.
const READ: u64 = 256 << 10;

pub(super) struct TempFile(Arc<Inner>);

struct Inner {
    file: File,
    /// Octets that are completely written. Beyond them there may be half of a write that is under
    /// way.
    len: AtomicU64,
    _room: OwnedSemaphorePermit,
    reserve: Option<Arc<Reserve>>,
}

impl TempFile {
    pub(super) fn new(
        file: File,
        room: OwnedSemaphorePermit,
        reserve: Option<Arc<Reserve>>,
    ) -> Self {
        Self(Arc::new(Inner {
            file,
            len: AtomicU64::new(0),
            _room: room,
            reserve,
        }))
    }
}

#[async_trait]
impl Backing for TempFile {
    async fn read(&self, offset: u64) -> io::Result<Bytes> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.read(offset)).await
    }
}

#[async_trait]
impl SpillFile for TempFile {
    async fn write(&self, offset: u64, chunks: Vec<Bytes>) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        blocking(move || inner.write(offset, &chunks)).await
    }
}

impl Inner {
    fn read(&self, offset: u64) -> io::Result<Bytes> {
        let len = self.len.load(Ordering::Acquire);
        let left = len.saturating_sub(offset).min(READ);
        if left == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let left = usize::try_from(left).expect("a read is small");
        let mut octets = BytesMut::zeroed(left);
        self.file.read_exact_at(&mut octets, offset)?;
        Ok(octets.freeze())
    }

    fn write(&self, offset: u64, chunks: &[Bytes]) -> io::Result<()> {
        if let Some(reserve) = &self.reserve {
            reserve.check(chunks.iter().map(|chunk| chunk.len() as u64).sum())?;
        }
        let mut end = offset;
        for chunk in chunks {
            self.file.write_all_at(chunk, end)?;
            end += chunk.len() as u64;
        }
        self.len.fetch_max(end, Ordering::Release);
        Ok(())
    }
}
