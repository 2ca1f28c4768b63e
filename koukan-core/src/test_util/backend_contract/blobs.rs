//! Blobs that are written before the transactions that refer to them.

use bytes::Bytes;

use crate::{blob::BlobId, storage::BackendError};

use super::{
    BackendFixture,
    sample::{plain, read, stored, time},
};

/// Octets are appended only at the end of the blob, and not to a finished one.
pub async fn appends_where_the_blob_ends(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let blob = BlobId::random();
    let append = |offset: u64, octets: &'static [u8]| {
        backend.append_blob(blob, offset, Bytes::from_static(octets), time(0))
    };
    assert_conflict(append(1, b"x").await);
    append(0, b"abc").await.unwrap();
    assert_conflict(append(0, b"abc").await);
    assert_conflict(append(2, b"c").await);
    assert_conflict(append(4, b"e").await);
    append(3, b"def").await.unwrap();
    append(6, b"").await.unwrap();
    backend.finish_blob(blob, 6).await.unwrap();
    assert_conflict(append(6, b"g").await);
    assert_eq!(read(&*backend, blob, 6).await, b"abcdef");
}

fn assert_conflict(result: Result<(), BackendError>) {
    assert!(
        matches!(result, Err(BackendError::BlobConflict)),
        "{result:?}"
    );
}

/// A blob can be finished only with the stated length, and read only after that.
pub async fn finishes_a_blob_of_that_length(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let blob = BlobId::random();
    assert_no_blob(backend.finish_blob(blob, 0).await);
    let octets = Bytes::from_static(b"abc");
    backend.append_blob(blob, 0, octets, time(0)).await.unwrap();
    assert_conflict(backend.finish_blob(blob, 2).await);
    assert_no_blob(backend.read_blob(blob, 0).await);
    backend.finish_blob(blob, 3).await.unwrap();
    backend.finish_blob(blob, 3).await.unwrap();
    assert_conflict(backend.finish_blob(blob, 4).await);
    assert_eq!(backend.read_blob(blob, 2).await.unwrap(), "c");
    assert_no_blob(backend.read_blob(blob, 3).await);
    assert_no_blob(backend.read_blob(BlobId::random(), 0).await);

    let empty = BlobId::random();
    let nothing = Bytes::new();
    backend
        .append_blob(empty, 0, nothing, time(0))
        .await
        .unwrap();
    backend.finish_blob(empty, 0).await.unwrap();
    let mut new = plain();
    new.body = Some(stored(empty, 0));
    backend.insert(new).await.unwrap();
}

fn assert_no_blob<T: std::fmt::Debug>(result: Result<T, BackendError>) {
    assert!(
        matches!(result, Err(BackendError::NoSuchBlob)),
        "{result:?}"
    );
}

/// Reading at any offset gives the octets from there on, whatever pieces they were written in.
pub async fn reads_across_chunk_borders(fixture: &dyn BackendFixture) {
    let backend = fixture.open().await;
    let blob = BlobId::random();
    let lengths = [1, 65_535, 65_536, 65_537, 300_000, 7, 1_000_000];
    let total: usize = lengths.iter().sum();
    let octets: Bytes = (0..total).map(|i| (i * 7 + i / 251) as u8).collect();
    let mut offset = 0;
    for length in lengths {
        let piece = octets.slice(offset..offset + length);
        backend
            .append_blob(blob, offset as u64, piece, time(0))
            .await
            .unwrap();
        offset += length;
    }
    backend.finish_blob(blob, total as u64).await.unwrap();
    drop(backend);

    let backend = fixture.open().await;
    assert!(read(&*backend, blob, total as u64).await == octets);
    for start in [0, 1, 2, 65_535, 65_536, 131_072, 131_073, total - 1] {
        let read = backend.read_blob(blob, start as u64).await.unwrap();
        assert!(!read.is_empty());
        assert!(
            read == octets[start..start + read.len()],
            "other octets at {start}"
        );
    }
}

/// Reading several blobs at once returns whole, unchanged blobs: only requested ones that exist and are
/// small. Any of them may be left out.
pub async fn reads_small_blobs_together(fixture: &dyn BackendFixture) {
    const MAX: u64 = 1000;
    let backend = fixture.open().await;
    let mut small = Vec::new();
    let mut others = vec![BlobId::random()];
    for len in [1, 2, 999, 1000, 1001, 70_000, 300_000] {
        let blob = BlobId::random();
        let octets = Bytes::from(vec![len as u8; len]);
        let append = backend.append_blob(blob, 0, octets.clone(), time(0));
        append.await.unwrap();
        backend.finish_blob(blob, len as u64).await.unwrap();
        match len as u64 <= MAX {
            true => small.push((blob, octets)),
            false => others.push(blob),
        }
    }
    let in_two = BlobId::random();
    for (offset, octets) in [(0, "ab"), (2, "c")] {
        let octets = Bytes::from_static(octets.as_bytes());
        let append = backend.append_blob(in_two, offset, octets, time(0));
        append.await.unwrap();
    }
    backend.finish_blob(in_two, 3).await.unwrap();
    let unfinished = BlobId::random();
    let append = backend.append_blob(unfinished, 0, Bytes::from_static(b"x"), time(0));
    append.await.unwrap();

    let asked: Vec<_> = small[1..].iter().map(|(blob, _)| *blob).collect();
    let asked = [asked, others, vec![in_two, unfinished]].concat();
    let read = backend.read_small_blobs(&asked, MAX).await.unwrap();
    for (blob, octets) in read {
        let known = small[1..].iter().find(|(known, _)| *known == blob);
        match known {
            Some((_, whole)) => assert_eq!(octets, whole),
            None => assert!(blob == in_two && octets == "abc", "{octets:?}"),
        }
    }
    let none = backend.read_small_blobs(&[], MAX).await.unwrap();
    assert!(none.is_empty());
}
