//! Reads and writes outside the queue.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobId,
    storage::{
        BackendError, Blobs, Census, EventPage, EventQuery, ListCursor, Listing, Records,
        record::{
            Attempt, DestinationCensus, NewTransaction, SessionId, StoredTransaction, TransactionId,
        },
    },
};
use tokio::sync::watch;

use super::{Failing, slowed, take_one};

#[async_trait]
impl Blobs for Failing {
    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        if offset > 0 && take_one(&self.full_appends) {
            return Err(BackendError::Full("no space left".into()));
        }
        self.inner.append_blob(blob, offset, octets, now).await
    }

    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError> {
        self.inner.finish_blob(blob, len).await
    }

    async fn read_small_blobs(
        &self,
        blobs: &[BlobId],
        max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        if take_one(&self.failed_small_reads) {
            return Err(BackendError::Failed("no connection".into()));
        }
        self.small_reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read_small_blobs(blobs, max).await
    }

    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if take_one(&self.failed_reads) {
            return Err(BackendError::Failed("no connection".into()));
        }
        self.inner.read_blob(blob, offset).await
    }
}

#[async_trait]
impl Records for Failing {
    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError> {
        slowed(&self.slow_summaries).await;
        self.inner.summarise(summaries).await
    }

    fn keeps_events(&self) -> bool {
        self.inner.keeps_events()
    }

    async fn events(&self, query: EventQuery) -> Result<EventPage, BackendError> {
        self.inner.events(query).await
    }

    async fn cursor(&self, name: &str) -> Result<Option<u64>, BackendError> {
        self.inner.cursor(name).await
    }

    async fn keep_cursor(&self, name: &str, number: u64) -> Result<(), BackendError> {
        self.inner.keep_cursor(name, number).await
    }

    async fn hold_reader(&self, name: &str, session: SessionId) -> Result<(), BackendError> {
        self.inner.hold_reader(name, session).await
    }

    async fn reader(&self, name: &str) -> Result<Option<SessionId>, BackendError> {
        self.inner.reader(name).await
    }

    async fn keep_cursor_of(
        &self,
        reader: (&str, SessionId),
        name: &str,
        number: u64,
    ) -> Result<(), BackendError> {
        self.inner.keep_cursor_of(reader, name, number).await
    }

    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        self.inner.events_written()
    }

    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError> {
        let found = self.inner.find(id).await;
        slowed(&self.slow_finds).await;
        if take_one(&self.failed_finds) {
            return Err(BackendError::Failed("disk on fire".into()));
        }
        found
    }

    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError> {
        self.inner.list(listing).await
    }

    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError> {
        self.inner.select(listing).await
    }

    async fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError> {
        self.inner.destinations(host, now, limit).await
    }

    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError> {
        self.inner.attempts(id).await
    }

    async fn census(&self) -> Result<Census, BackendError> {
        self.inner.census().await
    }
}
