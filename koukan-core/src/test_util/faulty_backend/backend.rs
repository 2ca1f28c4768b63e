//! The backend.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};

use crate::{
    blob::BlobId,
    storage::{
        Backend, BackendError, Blobs, Census, EventPage, EventQuery, ListCursor, Listing, Queue,
        QueueDepth, Records,
        record::{
            Attempt, Change, Commit, Companions, DestinationCensus, Judged, Leased, NewTransaction,
            Recipient, SchedulingKey, SessionId, Settlement, Standing, StoredTransaction,
            Suspension, SuspensionChange, TransactionId, Work,
        },
    },
};

use super::{Defect, Faults, calls::not_kept};
use crate::test_util::SeededRandom;

/// A backend that adds faults in front of another one.
///
/// # Example
///
/// A destination that is busy, and a database that fails from the first second on: the client is told to try again, and
/// nothing is promised.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use koukan_core::{
///     reply::Reply,
///     stage::store_and_forward::StoreAndForward,
///     storage::MemoryBackend,
///     test_util::{FaultyBackend, Faults, Script, SeededRandom, Trouble, TroubleKind},
///     test_util::{mail, rcpt, send},
/// };
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let during = Duration::from_secs(1)..Duration::MAX;
/// let fails = Trouble { during, kind: TroubleKind::Failed, per_mille: 1000 };
/// let faults = Faults { trouble: vec![fails], ..Faults::default() };
/// let memory = Arc::new(MemoryBackend::new());
/// let backend = FaultyBackend::new(memory, faults, SeededRandom::new(1), Duration::ZERO);
/// let busy = Script::new().message(Reply::mailbox_busy());
/// let queue = StoreAndForward::builder(busy).with_backend(Arc::new(backend)).open().await?;
///
/// tokio::time::sleep(Duration::from_secs(1)).await;
/// let outcome = send(queue.submission(), mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
/// assert!(outcome.is_transient(), "{outcome:?}");
/// # Ok::<(), koukan_core::storage::BackendError>(())
/// # }).unwrap();
/// ```
pub struct FaultyBackend {
    pub(super) inner: Arc<dyn Backend>,
    pub(super) faults: Faults,
    pub(super) random: SeededRandom,
    pub(super) readers: Arc<Semaphore>,
    /// The reader of the last read, with the corresponding defect.
    pub(super) held: Mutex<Option<OwnedSemaphorePermit>>,
    /// When this began, and how long the simulation had been running then.
    pub(super) start: (Instant, Duration),
    pub(super) calls: AtomicU64,
    pub(super) observer: Option<OnDelivered>,
    pub(super) holds_time: bool,
}

/// Is told which recipients were just written down as delivered.
pub type OnDelivered = Arc<dyn Fn(&Recipient) + Send + Sync>;

impl FaultyBackend {
    /// Adds faults in front of `inner`. Times of trouble count from a start that is `since` ago: zero, unless the test has
    /// opened another backend before this one.
    pub fn new(
        inner: Arc<dyn Backend>,
        faults: Faults,
        random: SeededRandom,
        since: Duration,
    ) -> Self {
        Self {
            inner,
            readers: Arc::new(Semaphore::new(faults.readers.max(1))),
            faults,
            random,
            held: Mutex::default(),
            start: (Instant::now(), since),
            calls: AtomicU64::new(0),
            observer: None,
            holds_time: false,
        }
    }

    /// Tells `observer` of each recipient that is written down as delivered, as soon as it is,
    /// whatever result the caller gets.
    #[must_use]
    pub fn with_observer(mut self, observer: OnDelivered) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Stops tokio's paused clock while the inner backend works. This is needed if that takes real
    /// time, since a paused clock advances whenever a runtime has nothing to do.
    #[must_use]
    pub fn with_time_held(mut self, holds_time: bool) -> Self {
        self.holds_time = holds_time;
        self
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many readers are free.
    pub fn free_readers(&self) -> usize {
        self.readers.available_permits()
    }
}

#[async_trait]
impl Queue for FaultyBackend {
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        if self.write_wrongly(&transaction) {
            return Ok(());
        }
        self.write(|| async {
            let recipients = transaction.recipients.clone();
            self.inner.insert(transaction).await?;
            self.observe(&recipients);
            Ok(())
        })
        .await
    }

    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        self.write(|| async {
            let recipients = transaction.recipients.clone();
            self.inner.complete(transaction).await?;
            self.observe(&recipients);
            Ok(())
        })
        .await
    }

    async fn commit(&self, mut together: Vec<Commit>) -> Result<(), BackendError> {
        together.retain(|one| !matches!(one, Commit::Insert(new) if self.write_wrongly(new)));
        self.write(|| async {
            let each = together.iter().map(Commit::transaction);
            let recipients: Vec<_> = each.map(|new| new.recipients.clone()).collect();
            self.inner.commit(together).await?;
            recipients.iter().for_each(|of_one| self.observe(of_one));
            Ok(())
        })
        .await
    }

    async fn lease_due(
        &self,
        session: SessionId,
        now: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Leased>, BackendError> {
        let leased =
            self.lease_with(|| self.inner.lease_due(session, now, standing, limit, except));
        let leased = leased.await?;
        Ok(leased.into_iter().map(|one| self.given_out(one)).collect())
    }

    async fn lease_for(
        &self,
        session: SessionId,
        now: Timestamp,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        let inner = &self.inner;
        let leased = self.lease_with(|| inner.lease_for(session, now, destination, limit));
        let leased = leased.await?;
        self.share(&leased, session).await;
        Ok(leased.into_iter().map(|one| self.given_out(one)).collect())
    }

    async fn lease_companions(
        &self,
        session: SessionId,
        now: Timestamp,
        companions: Vec<Companions>,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        let inner = &self.inner;
        let leased = self.lease_with(|| inner.lease_companions(session, now, companions, limit));
        let leased = leased.await?;
        self.share(&leased, session).await;
        Ok(leased.into_iter().map(|one| self.given_out(one)).collect())
    }

    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Result<Option<Leased>, BackendError> {
        let leased = self
            .lease_with(|| self.inner.lease(id, session, work))
            .await?;
        Ok(leased.map(|one| self.given_out(one)))
    }

    async fn request_cancel(&self, id: TransactionId) -> Result<(), BackendError> {
        self.write(|| self.inner.request_cancel(id)).await
    }

    async fn holder(&self, id: TransactionId) -> Result<Option<SessionId>, BackendError> {
        self.read(|| self.inner.holder(id)).await
    }

    async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError> {
        self.read(|| self.inner.next_due(standing, except)).await
    }

    async fn bring_forward(&self, by: Duration) -> Result<(), BackendError> {
        self.write(|| self.inner.bring_forward(by)).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError> {
        let (id, session, fence) = (settlement.id, settlement.session, settlement.fence);
        self.settle_late(&settlement);
        let settled = self.write(|| async {
            let all = std::iter::once(&settlement).chain(&settlement.together);
            let recipients: Vec<_> = all.flat_map(not_kept).cloned().collect();
            self.inner.settle(settlement).await?;
            self.observe(&recipients);
            Ok(())
        });
        let settled = settled.await;
        self.release_again(id, session, fence).await;
        settled
    }

    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError> {
        let released = self.write(|| self.inner.release(id, session, fence)).await;
        self.release_again(id, session, fence).await;
        released
    }

    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError> {
        self.write(|| self.inner.change(change)).await
    }

    async fn change_suspension(&self, change: SuspensionChange) -> Result<(), BackendError> {
        self.write(|| self.inner.change_suspension(change)).await
    }

    async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError> {
        // Asked once when the agent begins; if it fails the agent does not begin.
        self.reach().await;
        self.behind(|| self.inner.suspensions()).await
    }
}

#[async_trait]
impl Blobs for FaultyBackend {
    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        self.write(|| self.inner.append_blob(blob, offset, octets, now))
            .await
    }

    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError> {
        self.write(|| self.inner.finish_blob(blob, len)).await
    }

    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError> {
        self.read(|| self.inner.read_blob(blob, offset)).await
    }

    async fn read_small_blobs(
        &self,
        blobs: &[BlobId],
        max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        self.read(|| self.inner.read_small_blobs(blobs, max)).await
    }
}

#[async_trait]
impl Records for FaultyBackend {
    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError> {
        self.write(|| self.inner.summarise(summaries)).await
    }

    fn keeps_events(&self) -> bool {
        self.inner.keeps_events()
    }

    async fn events(&self, query: EventQuery) -> Result<EventPage, BackendError> {
        let mut page = self.read(|| self.inner.events(query)).await?;
        if self.faults.defect == Some(Defect::EventForgotten) {
            page.events.retain(|event| !event.number.is_multiple_of(5));
        }
        Ok(page)
    }

    async fn cursor(&self, name: &str) -> Result<Option<u64>, BackendError> {
        self.read(|| self.inner.cursor(name)).await
    }

    async fn hold_reader(&self, name: &str, session: SessionId) -> Result<(), BackendError> {
        self.write(|| self.inner.hold_reader(name, session)).await
    }

    async fn reader(&self, name: &str) -> Result<Option<SessionId>, BackendError> {
        self.read(|| self.inner.reader(name)).await
    }

    async fn keep_cursor_of(
        &self,
        reader: (&str, SessionId),
        name: &str,
        number: u64,
    ) -> Result<(), BackendError> {
        self.write(|| self.inner.keep_cursor_of(reader, name, number))
            .await
    }

    async fn keep_cursor(&self, name: &str, number: u64) -> Result<(), BackendError> {
        self.write(|| self.inner.keep_cursor(name, number)).await
    }

    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        self.inner.events_written()
    }

    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError> {
        self.read(|| self.inner.find(id)).await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError> {
        self.read(|| self.inner.list(listing)).await
    }

    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError> {
        self.read(|| self.inner.select(listing)).await
    }

    async fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError> {
        self.read(|| self.inner.destinations(host, now, limit))
            .await
    }

    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError> {
        self.read(|| self.inner.attempts(id)).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Option<QueueDepth>, BackendError> {
        self.read(|| self.inner.depth(now)).await
    }

    async fn census(&self) -> Result<Census, BackendError> {
        // Observers ask this too: it takes no reader, and does not fail.
        self.behind(|| self.inner.census()).await
    }
}
