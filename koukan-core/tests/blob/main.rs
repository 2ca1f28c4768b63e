//! Blobs: written once, read by many while they grow.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod budget;
mod disk;

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use async_trait::async_trait;
use bytes::Bytes;
use koukan_core::{
    blob::{Backing, Blob, BlobError, BlobId, BlobPool, BlobReader, Limits, Spill},
    body::BodyError,
    test_util::at_rest,
};
use proptest::prelude::*;

use self::disk::{Disk, File};

fn spilling(window: u64) -> BlobPool {
    let budget = 1 << 20;
    BlobPool::new(
        Limits::default()
            .with_window(window)
            .with_spill_above(0)
            .with_budget(budget),
        Arc::new(Disk::default()),
    )
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn read_to_end(mut reader: BlobReader) -> Result<Vec<u8>, BodyError> {
    let mut whole = Vec::new();
    while let Some(chunk) = reader.next().await? {
        assert!(!chunk.is_empty());
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

async fn is_ready_now<T>(future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn a_reader_follows_the_writer() {
    let (mut writer, blob) = BlobPool::default().create();
    let mut reader = blob.reader();
    assert!(!is_ready_now(reader.next()).await);
    writer.append(bytes("one")).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap(), "one");
    assert!(!is_ready_now(reader.next()).await);
    assert_eq!(blob.len(), None);
    let follower = tokio::spawn(read_to_end(reader));
    at_rest().await;
    writer.append(bytes("two")).await.unwrap();
    writer.finish();
    assert_eq!(follower.await.unwrap().unwrap(), b"two");
    assert_eq!(blob.len(), Some(6));
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"onetwo");
}

#[tokio::test]
async fn an_unfinished_blob_never_ends_cleanly() {
    let (mut writer, blob) = BlobPool::default().create();
    let mut reader = blob.reader();
    writer.append(bytes("half")).await.unwrap();
    drop(writer);
    assert_eq!(reader.next().await.unwrap().unwrap(), "half");
    for _ in 0..2 {
        assert!(reader.next().await.unwrap_err().is_aborted());
    }
    assert_eq!(blob.len(), None);
    assert!(blob.in_memory().is_none());
}

#[tokio::test(start_paused = true)]
async fn waiting_readers_hear_of_an_abort() {
    let (writer, blob) = BlobPool::default().create();
    let readers: Vec<_> = (0..5)
        .map(|_| tokio::spawn(read_to_end(blob.reader())))
        .collect();
    at_rest().await;
    drop(writer);
    for reader in readers {
        assert!(reader.await.unwrap().unwrap_err().is_aborted());
    }
}

#[tokio::test]
async fn what_exceeds_the_window_is_spilled_and_read_back() {
    let pool = spilling(100);
    let (mut writer, blob) = pool.create();
    let mut expected = Vec::new();
    let mut late = None;
    for n in 0..100_u8 {
        let chunk = vec![n; 13];
        expected.extend_from_slice(&chunk);
        writer.append(chunk.into()).await.unwrap();
        assert!(pool.used() <= 100, "{} octets in memory", pool.used());
        if n == 50 {
            late = Some(tokio::spawn(read_to_end(blob.reader())));
        }
    }
    writer.finish();
    assert!(blob.in_memory().is_none());
    assert_eq!(blob.len(), Some(1300));
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), expected);
    assert_eq!(late.unwrap().await.unwrap().unwrap(), expected);
}

#[tokio::test]
async fn what_fits_the_window_touches_no_disk() {
    let disk = Arc::new(Disk::default());
    let limits = Limits::default()
        .with_window(10)
        .with_spill_above(0)
        .with_budget(100);
    let pool = BlobPool::new(limits, Arc::clone(&disk) as Arc<dyn Spill>);
    let (mut writer, blob) = pool.create();
    writer.append(bytes("01234")).await.unwrap();
    writer.append(bytes("56789")).await.unwrap();
    writer.finish();
    assert_eq!(disk.files.load(Ordering::Relaxed), 0);
    assert_eq!(blob.in_memory().unwrap(), [bytes("01234"), bytes("56789")]);
}

#[tokio::test]
async fn nothing_spills_while_there_is_memory_for_all() {
    let disk = Arc::new(Disk::default());
    let limits = Limits::default()
        .with_window(2)
        .with_spill_above(10)
        .with_budget(100);
    let pool = BlobPool::new(limits, Arc::clone(&disk) as Arc<dyn Spill>);
    let (mut first, _first) = pool.create();
    let (mut second, blob) = pool.create();
    first.append(bytes("01234")).await.unwrap();
    second.append(bytes("56789")).await.unwrap();
    assert_eq!(disk.files.load(Ordering::Relaxed), 0);
    second.append(bytes("x")).await.unwrap();
    assert_eq!(disk.files.load(Ordering::Relaxed), 1);
    assert!(pool.used() <= 10, "{} octets in memory", pool.used());
    second.finish();
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"56789x");
}

#[tokio::test]
async fn a_full_disk_is_reported() {
    let disk = Disk {
        is_full: true,
        ..Disk::default()
    };
    let pool = BlobPool::new(
        Limits::default()
            .with_window(4)
            .with_spill_above(0)
            .with_budget(99),
        Arc::new(disk),
    );
    let (mut writer, blob) = pool.create();
    writer.append(bytes("0123")).await.unwrap();
    let refused = writer.append(bytes("4")).await;
    assert!(matches!(refused, Err(BlobError::Spill(_))));
    drop(writer);
    assert!(read_to_end(blob.reader()).await.unwrap_err().is_aborted());
}

#[tokio::test]
async fn rebasing_frees_memory_under_readers() {
    let pool = spilling(100);
    let (mut writer, blob) = pool.create();
    writer.append(bytes("01234")).await.unwrap();
    writer.append(bytes("56789")).await.unwrap();
    let stored = Arc::new(File {
        read_limit: 3,
        ..File::default()
    });
    stored.content.lock().unwrap().extend(b"0123456789");
    // Not while it grows.
    blob.rebase(Arc::clone(&stored) as Arc<dyn Backing>);
    assert!(!blob.is_stored());
    let mut reader = blob.reader();
    assert_eq!(reader.next().await.unwrap().unwrap(), "01234");
    writer.finish();
    blob.rebase(stored);
    assert!(blob.is_stored());
    assert_eq!(pool.used(), 0);
    assert_eq!(blob.len(), Some(10));
    assert_eq!(read_to_end(reader).await.unwrap(), b"56789");
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_stored_blob_is_read_from_its_backing() {
    let file = Arc::new(File {
        read_limit: 4,
        ..File::default()
    });
    file.content.lock().unwrap().extend(b"0123456789");
    let id = BlobId::random();
    let blob = Blob::stored(id, 10, file);
    assert_eq!(
        (blob.id(), blob.len(), blob.is_stored()),
        (id, Some(10), true)
    );
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_backing_that_ends_early_is_a_failure_not_an_end() {
    struct Short;
    #[async_trait]
    impl Backing for Short {
        async fn read(&self, _: u64) -> io::Result<Bytes> {
            Ok(Bytes::new())
        }
    }
    let blob = Blob::stored(BlobId::random(), 10, Arc::new(Short));
    let result = read_to_end(blob.reader()).await;
    assert!(matches!(result, Err(BodyError::Failed(_))));
}

#[tokio::test]
async fn an_append_given_up_while_it_spills_loses_nothing() {
    let (mut writer, blob) = spilling(4).create();
    writer.append(bytes("0123")).await.unwrap();
    assert!(!is_ready_now(writer.append(bytes("45"))).await);
    writer.append(bytes("6789")).await.unwrap();
    writer.finish();
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"0123456789");
}

proptest! {
    #[test]
    fn readers_get_what_was_written_whatever_the_chunks(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..20),
        window in 1..40_u64,
        pauses in proptest::collection::vec(0..3_usize, 20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let whole = chunks.concat();
        let read = runtime.block_on(async {
            let (mut writer, blob) = spilling(window).create();
            let readers: Vec<_> = (0..3).map(|_| tokio::spawn(read_to_end(blob.reader()))).collect();
            for (chunk, pauses) in chunks.into_iter().zip(pauses) {
                writer.append(chunk.into()).await.unwrap();
                for _ in 0..pauses {
                    tokio::task::yield_now().await;
                }
            }
            writer.finish();
            let mut read = vec![read_to_end(blob.reader()).await.unwrap()];
            for reader in readers {
                read.push(reader.await.unwrap().unwrap());
            }
            read
        });
        for read in read {
            prop_assert_eq!(&read, &whole);
        }
    }
}

#[tokio::test]
async fn what_no_reader_was_given_is_taken_back() {
    let pool = BlobPool::default();
    let (mut writer, blob) = pool.create();
    for chunk in ["abc", "def", "ghi"] {
        writer.append(bytes(chunk)).await.unwrap();
    }
    let mut reader = blob.reader();
    assert_eq!(reader.next().await.unwrap().unwrap(), "abc");
    // The writer may read any range.
    assert_eq!(writer.reader(5).next().await.unwrap().unwrap(), "f");
    assert!(!writer.truncate(2), "a reader was given the third octet");
    assert!(!writer.truncate(10), "there are nine");
    assert!(writer.truncate(4));
    assert_eq!((writer.len(), pool.used()), (4, 4));
    writer.append(bytes("xyz")).await.unwrap();
    assert!(writer.truncate(7), "nothing is behind the end");
    writer.finish();
    let mut rest = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    assert_eq!(rest, b"dxyz");
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"abcdxyz");
}

#[tokio::test]
async fn what_has_spilled_is_not_taken_back() {
    let pool = spilling(4);
    let (mut writer, blob) = pool.create();
    writer.append(bytes("abcdef")).await.unwrap();
    assert!(!writer.truncate(5));
    writer.finish();
    assert_eq!(read_to_end(blob.reader()).await.unwrap(), b"abcdef");
}
