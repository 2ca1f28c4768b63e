//! A spill area in memory.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use koukan_core::blob::{Backing, Spill, SpillFile};

/// A spill area in memory.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) files: AtomicUsize,
    pub(crate) is_full: bool,
}

#[derive(Default)]
pub(crate) struct File {
    pub(crate) content: Mutex<Vec<u8>>,
    /// The maximum number of octets that one read returns.
    pub(crate) read_limit: usize,
    pub(crate) is_full: bool,
}

#[async_trait]
impl Spill for Disk {
    async fn create(&self) -> io::Result<Arc<dyn SpillFile>> {
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(File {
            read_limit: 7,
            is_full: self.is_full,
            ..File::default()
        }))
    }
}

#[async_trait]
impl Backing for File {
    async fn read(&self, offset: u64) -> io::Result<Bytes> {
        tokio::task::yield_now().await;
        let content = self.content.lock().unwrap();
        let rest = &content[usize::try_from(offset).unwrap()..];
        Ok(Bytes::copy_from_slice(
            &rest[..rest.len().min(self.read_limit)],
        ))
    }
}

#[async_trait]
impl SpillFile for File {
    async fn write(&self, offset: u64, chunks: Vec<Bytes>) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        tokio::task::yield_now().await;
        let mut content = self.content.lock().unwrap();
        assert_eq!(
            offset,
            content.len() as u64,
            "not where the last write ended"
        );
        content.extend(chunks.iter().flatten());
        Ok(())
    }
}
