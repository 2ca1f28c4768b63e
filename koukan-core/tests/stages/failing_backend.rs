//! A backend that fails loses nothing that was acknowledged, and nothing more is acknowledged.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobId,
    reply::Reply,
    stage::exploder::Policy,
    storage::{
        Backend, BackendError, Census, Collected, Listing, MemoryBackend, Recovered, Retention,
        record::{Leased, NewTransaction, SessionId, Settlement, StoredTransaction, TransactionId},
    },
    test_util::{Answer, Script, mail, rcpt, send},
};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// A memory backend whose next writes of a kind fail.
#[derive(Debug, Clone, Default)]
struct Failing {
    inner: MemoryBackend,
    full_inserts: Arc<AtomicU32>,
    failed_settlements: Arc<AtomicU32>,
}

fn take_one(left: &AtomicU32) -> bool {
    let less = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
        .is_ok()
}

#[async_trait]
impl Backend for Failing {
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        if take_one(&self.full_inserts) {
            return Err(BackendError::Full("no space left".into()));
        }
        self.inner.insert(transaction).await
    }

    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError> {
        self.inner.summarise(summaries).await
    }

    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        self.inner.complete(transaction).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError> {
        if take_one(&self.failed_settlements) {
            return Err(BackendError::Failed("disk on fire".into()));
        }
        self.inner.settle(settlement).await
    }

    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError> {
        self.inner.open_session(session, now).await
    }

    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        self.inner.append_blob(blob, offset, octets, now).await
    }

    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError> {
        self.inner.finish_blob(blob, len).await
    }

    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError> {
        self.inner.read_blob(blob, offset).await
    }

    async fn lease_due(
        &self,
        session: SessionId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        self.inner.lease_due(session, now, limit).await
    }

    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
    ) -> Result<Option<Leased>, BackendError> {
        self.inner.lease(id, session).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, BackendError> {
        self.inner.next_due().await
    }

    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError> {
        self.inner.release(id, session, fence).await
    }

    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError> {
        self.inner.find(id).await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError> {
        self.inner.list(listing).await
    }

    async fn census(&self) -> Result<Census, BackendError> {
        self.inner.census().await
    }

    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Collected, BackendError> {
        self.inner.collect_garbage(now, retention).await
    }
}

fn down() -> Script {
    Script::new().mail(Answer::Return(Reply::connection_failed()))
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_452_and_the_next_message_is_taken_again() {
    let backend = Failing::default();
    backend.full_inserts.store(1, Ordering::Relaxed);
    let agent = Agent::on(backend, down()).await;
    let front = agent.exploder(Policy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::insufficient_storage()));
    let front = agent.exploder(Policy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(agent.census().await.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_cannot_be_written_is_written_later() {
    let backend = Failing::default();
    let up = Script::new();
    let agent = Agent::on(backend.clone(), turns([down(), up.clone()])).await;
    let front = agent.exploder(Policy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    backend.failed_settlements.store(5, Ordering::Relaxed);
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    assert_eq!(up.received().len(), 1);
}
