//! The backend.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use crate::{
    blob::BlobId,
    reply::Reply,
    storage::{
        Backend, BackendError, Census, Collected, ListCursor, Listing, Recovered, Retention,
        record::{
            Attempt, Change, Commit, Judged, Leased, NewTransaction, Recipient, SchedulingKey,
            SessionId, Settlement, Standing, StoredTransaction, TransactionId, Work,
        },
    },
};

use super::{Defect, Faults, TroubleKind, held_time::holding_time};
use crate::test_util::SeededRandom;

/// How many times as long as usual a slow call takes.
const SLOWNESS: u32 = 200;

/// What counts as usual for a slow call where calls take less, or no time at all.
const USUAL_MIN: Duration = Duration::from_millis(1);

/// A backend with faults before another one.
pub struct FaultyBackend {
    pub(super) inner: Arc<dyn Backend>,
    pub(super) faults: Faults,
    pub(super) random: SeededRandom,
    readers: Arc<Semaphore>,
    /// The reader of the last read, with that defect.
    held: Mutex<Option<OwnedSemaphorePermit>>,
    /// When this began, and how far the simulation was then.
    start: (Instant, Duration),
    calls: AtomicU64,
    observer: Option<Observer>,
    holds_time: bool,
}

/// Is told which recipients stand as delivered in what was written just now.
pub type Observer = Arc<dyn Fn(&Recipient) + Send + Sync>;

impl FaultyBackend {
    /// Puts faults before `inner`; the simulation has been going on for `since` already.
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
    /// whatever the caller is told.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Has tokio's clock, where that is paused, stand still while the backend behind works: needed
    /// where that takes real time, since a paused clock goes on whenever a runtime has nothing to
    /// do.
    #[must_use]
    pub fn with_time_held(mut self, holds_time: bool) -> Self {
        self.holds_time = holds_time;
        self
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// How many readers nobody has.
    pub fn free_readers(&self) -> usize {
        self.readers.available_permits()
    }

    /// Whether one of these troubles comes now.
    fn trouble(&self, kinds: &[TroubleKind]) -> Option<TroubleKind> {
        let now = self.start.1 + self.start.0.elapsed();
        let mut trouble = self.faults.trouble.iter();
        let trouble = trouble
            .find(|trouble| trouble.during.contains(&now) && kinds.contains(&trouble.kind))?;
        let happens = self.random.happens(trouble.per_mille);
        happens.then_some(trouble.kind)
    }

    /// Lets half of the time of a call pass.
    async fn pass(&self) {
        let latency = self.faults.latency;
        let (most, times) = if self.trouble(&[TroubleKind::Slow]).is_some() {
            (latency.max(USUAL_MIN) / 2, SLOWNESS)
        } else {
            (latency / 2, 1)
        };
        let time = self.random.duration(Duration::ZERO..=most) * times;
        if !time.is_zero() {
            sleep(time).await;
        }
    }

    async fn write<T, F>(&self, write: impl FnOnce() -> F) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        self.change(TroubleKind::AnswerLost, write).await
    }

    /// A write that gives the caller a lease.
    async fn lease_with<T, F>(&self, lease: impl FnOnce() -> F) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        let has_bug = self.trouble(&[TroubleKind::LeasePanics]).is_some();
        assert!(!has_bug, "a lease panics, as the faults say");
        self.change(TroubleKind::LeaseUnheard, lease).await
    }

    /// Writes something; with the trouble `unheard`, the caller does not hear of it.
    async fn change<T, F>(
        &self,
        unheard: TroubleKind,
        write: impl FnOnce() -> F,
    ) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        use TroubleKind::{Failed, Full};

        self.calls.fetch_add(1, Ordering::Relaxed);
        self.pass().await;
        let trouble = self.trouble(&[Full, Failed, unheard]);
        match trouble {
            Some(Full) => return Err(BackendError::Full("no space left".into())),
            Some(Failed) => return Err(BackendError::Failed("the medium is gone".into())),
            _ => {}
        }
        let result = self.behind(write).await;
        self.pass().await;
        if trouble.is_some() {
            return Err(BackendError::Failed("the answer was lost".into()));
        }
        result
    }

    async fn read<T, F>(&self, read: impl FnOnce() -> F) -> Result<T, BackendError>
    where
        F: Future<Output = Result<T, BackendError>>,
    {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.faults.defect == Some(Defect::ReaderHeld) {
            // The same caller comes again for the next piece; for another, nothing is given back.
            let reader = Arc::clone(&self.readers).acquire_owned().await;
            let before = self.lock_held().replace(reader.expect("never closed"));
            std::mem::forget(before);
            return self.behind(read).await;
        }
        let reader = self.readers.acquire().await;
        self.pass().await;
        if self.trouble(&[TroubleKind::Failed]).is_some() {
            return Err(BackendError::Failed("the medium is gone".into()));
        }
        let result = self.behind(read).await;
        self.pass().await;
        drop(reader);
        result
    }

    /// Calls the backend behind.
    async fn behind<T, F>(&self, call: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T>,
    {
        if self.holds_time {
            holding_time(call()).await
        } else {
            call().await
        }
    }

    fn observe(&self, recipients: &[Recipient]) {
        let is_delivered = |one: &&Recipient| one.settled.as_ref().is_some_and(Reply::is_positive);
        if let Some(observer) = &self.observer {
            recipients
                .iter()
                .filter(is_delivered)
                .for_each(|one| observer(one));
        }
    }

    fn lock_held(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Backend for FaultyBackend {
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError> {
        // An agent that cannot begin does not: there is nothing to be seen of it.
        self.behind(|| self.inner.open_session(session, now)).await
    }

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

    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError> {
        self.write(|| self.inner.summarise(summaries)).await
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

    fn has_room(&self) -> bool {
        self.inner.has_room()
    }

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

    async fn probe(&self) -> Result<(), BackendError> {
        self.read(|| self.inner.probe()).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError> {
        let (id, session, fence) = (settlement.id, settlement.session, settlement.fence);
        self.settle_late(&settlement);
        let settled = self.write(|| async {
            let recipients = settlement.recipients.clone();
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

    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError> {
        self.read(|| self.inner.find(id)).await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError> {
        self.read(|| self.inner.list(listing)).await
    }

    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError> {
        self.read(|| self.inner.select(listing)).await
    }

    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError> {
        self.write(|| self.inner.change(change)).await
    }

    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError> {
        self.read(|| self.inner.attempts(id)).await
    }

    async fn census(&self) -> Result<Census, BackendError> {
        // Asked by whoever looks on, too: it costs no reader, and does not fail.
        self.behind(|| self.inner.census()).await
    }

    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Collected, BackendError> {
        self.write(|| self.inner.collect_garbage(now, retention))
            .await
    }
}
