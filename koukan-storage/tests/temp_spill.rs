//! Spilling to temporary files.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use koukan_core::blob::{BlobPool, Limits, Spill};
use koukan_storage::{FreeSpace, TempSpill};

fn octets(len: usize) -> Bytes {
    (0..len).map(|i| (i * 31 + i / 1009) as u8).collect()
}

#[tokio::test]
async fn reads_back_what_was_written_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let spill = TempSpill::open(directory.path().join("made")).unwrap();
    let file = spill.create().await.unwrap();
    assert!(file.read(0).await.is_err());
    let all = octets(1_000_000);
    let pieces = vec![all.slice(..10), all.slice(10..70_000), Bytes::new()];
    file.write(0, pieces).await.unwrap();
    file.write(70_000, vec![all.slice(70_000..)]).await.unwrap();
    for start in [0, 9, 10, 69_999, 70_000, 999_999] {
        let read = file.read(start as u64).await.unwrap();
        assert!(read == all[start..start + read.len()], "at {start}");
        assert_eq!(read.len(), (256 << 10).min(all.len() - start));
    }
    assert!(file.read(1_000_000).await.is_err());
}

#[tokio::test]
async fn leaves_nothing_in_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let spill = TempSpill::open(directory.path()).unwrap();
    let file = spill.create().await.unwrap();
    file.write(0, vec![octets(100)]).await.unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_in_place_of_the_directory_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(TempSpill::open(file.path()).is_err());
    let directory = tempfile::tempdir().unwrap();
    let spill = TempSpill::open(directory.path().join("gone")).unwrap();
    fs::remove_dir(spill.directory()).unwrap();
    assert!(spill.create().await.is_err());
}

#[tokio::test]
async fn a_blob_larger_than_its_window_is_read_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let spill = TempSpill::open(directory.path()).unwrap();
    let limits = Limits::default()
        .with_window(64 << 10)
        .with_spill_above(0)
        .with_budget(1 << 20);
    let pool = BlobPool::new(limits, Arc::new(spill));
    let all = octets(3_000_000);
    let (mut writer, blob) = pool.create();
    let mut follower = blob.reader();
    let following = tokio::spawn(async move {
        let mut read = Vec::new();
        while let Some(octets) = follower.next().await.unwrap() {
            read.extend_from_slice(&octets);
        }
        read
    });
    for start in (0..all.len()).step_by(7777) {
        let end = all.len().min(start + 7777);
        writer.append(all.slice(start..end)).await.unwrap();
        assert!(pool.used() <= limits.window + 7777);
    }
    writer.finish();
    assert!(following.await.unwrap() == all);
    let mut late = blob.reader();
    let mut position = 0;
    while let Some(octets) = late.next().await.unwrap() {
        assert!(octets == all[position..position + octets.len()]);
        position += octets.len();
    }
    assert_eq!(position, all.len());
}

/// A medium with a given amount of free space.
#[derive(Debug, Clone, Default)]
struct Scripted(Arc<AtomicU64>);

impl FreeSpace for Scripted {
    fn free(&self, _: &Path) -> io::Result<u64> {
        Ok(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn what_is_to_stay_free_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let free = Scripted::default();
    let spill = TempSpill::open(directory.path()).unwrap();
    let spill = spill.with_reserve(1000, Arc::new(free.clone()));
    let file = spill.create().await.unwrap();
    for (left, may_write) in [(1099, false), (1100, true), (500, false), (5000, true)] {
        free.0.store(left, Ordering::Relaxed);
        let written = file.write(0, vec![octets(60), octets(40)]).await;
        let kind = written.map_err(|error| error.kind());
        let full = Err(io::ErrorKind::StorageFull);
        assert_eq!(kind, if may_write { Ok(()) } else { full }, "{left}");
    }
}
