//! A caller that is not polled delays nobody else.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobId,
    storage::{
        BackendError, Blobs, Listing, Queue, Records, Retention, Search, Sessions,
        record::{SessionId, Standing},
    },
};
use koukan_storage::{SqliteBackend, SqliteOptions};
use tempfile::TempDir;
use tokio::time::timeout;

mod support;

use support::transaction;

const READERS: u32 = 2;

async fn open() -> (SqliteBackend, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::new(directory.path().join("queue.sqlite")).with_readers(READERS);
    (SqliteBackend::open(options).await.unwrap(), directory)
}

async fn stored_blob(backend: &SqliteBackend) -> BlobId {
    let blob = BlobId::random();
    let octets = Bytes::from(vec![b'x'; 300 << 10]);
    let len = octets.len() as u64;
    let now = Timestamp::now();
    backend.append_blob(blob, 0, octets, now).await.unwrap();
    backend.finish_blob(blob, len).await.unwrap();
    blob
}

/// Polls once, and never again.
fn begin<F: Future + ?Sized>(asked: &mut Pin<Box<F>>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(asked.as_mut().poll(&mut cx).is_pending());
}

/// Does everything that reads.
async fn read_all(backend: &SqliteBackend, blob: BlobId) -> Result<(), BackendError> {
    let id = transaction(10).id;
    assert!(backend.find(id).await?.is_none());
    let listing = Listing {
        sender: Some("submission".into()),
        state: None,
        search: Search::default(),
        before: None,
        limit: 10,
    };
    backend.list(listing).await?;
    backend.census().await?;
    backend.next_due(Standing::Clear, &[]).await?;
    backend.read_blob(blob, 0).await?;
    backend.probe().await?;
    let retention = Retention::default();
    backend.collect_garbage(Timestamp::now(), retention).await?;
    Ok(())
}

#[tokio::test]
async fn reads_that_nobody_polls_keep_no_connection() {
    let (backend, _directory) = open().await;
    let blob = stored_blob(&backend).await;
    let mut asked: Vec<_> = (0..4 * READERS)
        .map(|_| Box::pin(backend.read_blob(blob, 0)))
        .collect();
    asked.iter_mut().for_each(begin);
    let mut found = Box::pin(backend.find(transaction(10).id));
    begin(&mut found);
    let read = timeout(Duration::from_secs(20), read_all(&backend, blob)).await;
    read.expect("others get no connection").unwrap();
    // They have their answers by now.
    for asked in asked {
        assert!(!asked.await.unwrap().is_empty());
    }
    assert!(found.await.unwrap().is_none());
}

#[tokio::test]
async fn reads_that_were_given_up_leave_nothing_behind() {
    let (backend, _directory) = open().await;
    let blob = stored_blob(&backend).await;
    for _ in 0..1000 {
        let mut asked = Box::pin(backend.read_blob(blob, 0));
        begin(&mut asked);
    }
    let read = timeout(Duration::from_secs(20), read_all(&backend, blob)).await;
    read.expect("others get no connection").unwrap();
}

#[tokio::test]
async fn writes_that_nobody_polls_hold_up_nobody() {
    let (backend, _directory) = open().await;
    let session = SessionId::random();
    let opened = backend.open_session(session, Timestamp::now()).await;
    opened.unwrap();
    let mut asked: Vec<_> = (0..100)
        .map(|_| backend.insert(transaction(64 << 10)))
        .collect();
    asked.iter_mut().for_each(begin);
    let written = timeout(
        Duration::from_secs(20),
        backend.insert(transaction(64 << 10)),
    );
    written.await.expect("it waits for the others").unwrap();
    for asked in asked {
        asked.await.unwrap();
    }
}
