//! Octets that are written once and read while they grow.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    blob::{Backing, Blob, BlobPool, BlobReader, Limits, Spill, SpillFile},
    body::BodyError,
    sync::Mutex,
};

use super::spawn;

/// Files in memory, behind a lock that others come at.
#[derive(Default)]
struct File(Mutex<Vec<u8>>);

struct Files;

#[async_trait]
impl Spill for Files {
    async fn create(&self) -> io::Result<Arc<dyn SpillFile>> {
        Ok(Arc::new(File::default()))
    }
}

#[async_trait]
impl SpillFile for File {
    async fn write(&self, offset: u64, chunks: Vec<Bytes>) -> io::Result<()> {
        let mut octets = self.0.lock().expect("nobody panics");
        assert_eq!(offset, octets.len() as u64);
        octets.extend(chunks.iter().flatten());
        Ok(())
    }
}

#[async_trait]
impl Backing for File {
    async fn read(&self, offset: u64) -> io::Result<Bytes> {
        let octets = self.0.lock().expect("nobody panics");
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        Ok(Bytes::copy_from_slice(&octets[offset..]))
    }
}

fn spilling() -> BlobPool {
    let limits = Limits {
        window: 4,
        spill_above: 0,
        budget: 1 << 20,
    };
    BlobPool::new(limits, Arc::new(Files))
}

async fn read(mut reader: BlobReader) -> Result<Vec<u8>, BodyError> {
    let mut octets = Vec::new();
    while let Some(chunk) = reader.next().await? {
        octets.extend(chunk);
    }
    Ok(octets)
}

/// Readers that follow the writer get every octet, from memory or from where they were spilled, and
/// all memory comes back.
pub fn readers_get_every_octet() {
    let pool = spilling();
    let (mut writer, blob) = pool.create();
    let readers = [0, 1].map(|_| spawn(read(blob.reader())));
    let writer = spawn(async move {
        for chunk in ["abc", "def", "ghi"] {
            let appended = writer.append(chunk.into()).await;
            appended.expect("there is room");
        }
        writer.finish();
    });
    for reader in readers {
        assert_eq!(reader.join().expect("the blob is whole"), b"abcdefghi");
    }
    writer.join();
    drop(blob);
    assert_eq!(pool.used(), 0);
}

/// Readers, and whoever waits for the end, hear of a writer that went away.
pub fn an_abort_is_heard() {
    let (mut writer, blob) = BlobPool::default().create();
    let reader = spawn(read(blob.reader()));
    let ended = spawn(async move { blob.ended().await });
    let writer = spawn(async move {
        let appended = writer.append("abc".into()).await;
        appended.expect("there is room");
    });
    assert!(reader.join().is_err_and(|error| error.is_aborted()));
    assert!(ended.join().is_err());
    writer.join();
}

/// Octets are taken back only where no reader was given them.
pub fn what_was_read_is_not_taken_back() {
    let pool = BlobPool::default();
    let (mut writer, blob) = pool.create();
    let reader = spawn(read(blob.reader()));
    let writer = spawn(async move {
        let appended = writer.append("abcdef".into()).await;
        appended.expect("there is room");
        let is_taken_back = writer.truncate(3);
        let appended = writer.append("xyz".into()).await;
        appended.expect("there is room");
        writer.finish();
        is_taken_back
    });
    let expected: &[u8] = match writer.join() {
        true => b"abcxyz",
        false => b"abcdefxyz",
    };
    assert_eq!(reader.join().expect("the blob is whole"), expected);
    drop(blob);
    assert_eq!(pool.used(), 0);
}

/// A blob that is read elsewhere from now on gives its memory back once, and readers go on.
pub fn a_blob_moves_under_its_readers() {
    let pool = spilling();
    let (mut writer, blob) = pool.create();
    let stored: Arc<dyn Backing> = Arc::new(File(Mutex::new(b"abcdef".into())));
    let reader = spawn(read(blob.reader()));
    let writer = spawn({
        let blob = blob.clone();
        async move {
            for chunk in ["abc", "def"] {
                let appended = writer.append(chunk.into()).await;
                appended.expect("there is room");
            }
            writer.finish();
            blob.rebase(stored);
        }
    });
    let mover = spawn({
        let blob = blob.clone();
        async move {
            if blob.ended().await.is_ok() {
                blob.rebase(Arc::new(File(Mutex::new(b"abcdef".into()))));
            }
        }
    });
    assert_eq!(reader.join().expect("the blob is whole"), b"abcdef");
    writer.join();
    mover.join();
    drop(blob);
    assert_eq!(pool.used(), 0);
}

/// Two who want a blob stored have it stored once.
pub fn a_blob_is_stored_once() {
    let blob = Blob::from_bytes("abc".into());
    let count = Arc::new(AtomicU32::new(0));
    let store = |blob: Blob, count: Arc<AtomicU32>| async move {
        let stored = blob.persist(|| async {
            count.fetch_add(1, Ordering::Relaxed);
            blob.set_stored_len(3);
            Ok::<_, Infallible>(())
        });
        let Ok(()) = stored.await;
        assert_eq!(blob.stored_len(), 3);
    };
    let threads = [0, 1].map(|_| spawn(store(blob.clone(), Arc::clone(&count))));
    for thread in threads {
        thread.join();
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}
