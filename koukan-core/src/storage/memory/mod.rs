//! A [`Backend`] without a medium: [`MemoryBackend`].

mod bans;
mod blobs;
mod commit;
mod destinations;
mod entry;
mod events;
mod index;
mod reading;
mod sessions;
mod settle;
mod store;
mod suppressed;
mod waiting;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    blob::BlobId,
    clock::SharedClock,
    sync::{Mutex, MutexGuard, PoisonError},
};

use self::{events::Events, sessions::Shared, store::Store};
use super::{
    BackendError, BansChanged, Blobs, Census, EventPage, EventQuery, ListCursor, Listing,
    LiveSession, Queue, QueueDepth, Records, Recovered, Refreshed, Removed, Retention, Sessions,
    record::{
        Attempt, Change, Commit, Companions, DestinationCensus, Judged, Leased, NewTransaction,
        SchedulingKey, SessionId, Settlement, Standing, StoredTransaction, Suspension,
        SuspensionChange, TransactionId, Work,
    },
};

/// A backend that lives as long as the process: for a gateway, which keeps nothing, and for tests.
///
/// Clones share the store and count as one process. [`MemoryBackend::another_process`] shares only
/// the store.
#[derive(Clone, Default)]
pub struct MemoryBackend {
    store: Arc<Mutex<Store>>,
    /// Sessions begun through this handle and its clones live as long as this.
    process: Arc<()>,
}

impl MemoryBackend {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the newest events, at most `max`. It must be called before the backend is used.
    #[must_use]
    pub fn with_events(self, max: usize) -> Self {
        self.lock().events = Some(Events::new(max));
        self
    }

    /// The same store, as another process would see it: when the last clone of a handle is dropped,
    /// the sessions begun through it are dead.
    #[must_use]
    pub fn another_process(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            process: Arc::default(),
        }
    }

    /// Lets sessions die that are not refreshed for `term`, as in a shared database, and uses `clock` instead
    /// of the callers' clocks. It must be called before the backend is used. Together with
    /// [`MemoryBackend::another_process`] this simulates several replicas over one store, for tests.
    #[must_use]
    pub fn with_session_term(self, term: Duration, clock: SharedClock) -> Self {
        self.lock().sessions.shared = Some(Shared { term, clock });
        self
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Sessions for MemoryBackend {
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError> {
        let process = Arc::downgrade(&self.process);
        Ok(self.lock().open_session(session, process, now))
    }

    fn session_term(&self) -> Option<Duration> {
        let store = self.lock();
        store.sessions.shared.as_ref().map(|shared| shared.term)
    }

    async fn refresh_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        self.lock().refresh_session(session, now)
    }

    async fn end_session(&self, session: SessionId) -> Result<(), BackendError> {
        self.lock().end_session(session);
        Ok(())
    }

    async fn publish_address(
        &self,
        session: SessionId,
        address: Option<&str>,
    ) -> Result<(), BackendError> {
        self.lock().sessions.publish_address(session, address)
    }

    async fn live_sessions(&self) -> Result<Vec<LiveSession>, BackendError> {
        Ok(self.lock().sessions.live())
    }

    async fn address_of(&self, session: SessionId) -> Result<Option<Box<str>>, BackendError> {
        Ok(self.lock().sessions.address_of(session))
    }

    async fn bans_changed(&self, since: Option<u64>) -> Result<BansChanged, BackendError> {
        Ok(self.lock().bans_changed(since))
    }

    async fn probe(&self) -> Result<(), BackendError> {
        Ok(())
    }

    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Removed, BackendError> {
        Ok(self.lock().collect_garbage(now, retention))
    }
}

#[async_trait]
impl Queue for MemoryBackend {
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        self.lock().insert(transaction)
    }

    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        self.lock().complete(transaction)
    }

    async fn commit(&self, together: Vec<Commit>) -> Result<(), BackendError> {
        self.lock().commit(together)
    }

    async fn lease_due(
        &self,
        session: SessionId,
        now: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Leased>, BackendError> {
        let mut store = self.lock();
        store.sessions.check(session)?;
        Ok(store.lease_due(session, now, standing, limit, except))
    }

    async fn lease_for(
        &self,
        session: SessionId,
        now: Timestamp,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        let mut store = self.lock();
        store.sessions.check(session)?;
        Ok(store.lease_for(session, now, destination, limit))
    }

    async fn lease_companions(
        &self,
        session: SessionId,
        _now: Timestamp,
        companions: Vec<Companions>,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        let mut store = self.lock();
        store.sessions.check(session)?;
        Ok(store.lease_companions(session, &companions, limit))
    }

    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Result<Option<Leased>, BackendError> {
        let mut store = self.lock();
        store.sessions.check(session)?;
        Ok(store.lease(id, session, work))
    }

    async fn request_cancel(&self, id: TransactionId) -> Result<(), BackendError> {
        self.lock().request_cancel(id);
        Ok(())
    }

    async fn holder(&self, id: TransactionId) -> Result<Option<SessionId>, BackendError> {
        Ok(self.lock().holder(id))
    }

    async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError> {
        Ok(self.lock().next_due(standing, except))
    }

    async fn bring_forward(&self, by: Duration) -> Result<(), BackendError> {
        self.lock().bring_forward(by);
        Ok(())
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), BackendError> {
        self.lock().settle(settlement)
    }

    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError> {
        self.lock().release(id, session, fence)
    }

    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError> {
        Ok(self.lock().change(change))
    }

    async fn change_suspension(&self, change: SuspensionChange) -> Result<(), BackendError> {
        let mut store = self.lock();
        store.bans.note_host(match &change {
            SuspensionChange::Suspend(suspension) => suspension.host.clone(),
            SuspensionChange::Resume(host) => host.clone(),
        });
        store.waiting.change_suspension(change);
        Ok(())
    }

    async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError> {
        Ok(self.lock().waiting.suspensions())
    }
}

#[async_trait]
impl Blobs for MemoryBackend {
    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        self.lock().blobs.append(blob, offset, octets, now)
    }

    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError> {
        self.lock().blobs.finish(blob, len)
    }

    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError> {
        self.lock().blobs.read(blob, offset)
    }

    async fn read_small_blobs(
        &self,
        blobs: &[BlobId],
        max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        Ok(self.lock().blobs.read_small(blobs, max))
    }
}

#[async_trait]
impl Records for MemoryBackend {
    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError> {
        let mut store = self.lock();
        for summary in summaries {
            store.summarise(summary);
        }
        Ok(())
    }

    fn keeps_events(&self) -> bool {
        self.lock().events.is_some()
    }

    async fn events(&self, query: EventQuery) -> Result<EventPage, BackendError> {
        Ok(self.lock().page_of_events(&query))
    }

    async fn cursor(&self, name: &str) -> Result<Option<u64>, BackendError> {
        Ok(self.lock().cursors.get(name).copied())
    }

    async fn hold_reader(&self, name: &str, session: SessionId) -> Result<(), BackendError> {
        self.lock().sessions.hold_reader(name, session)
    }

    async fn reader(&self, name: &str) -> Result<Option<SessionId>, BackendError> {
        Ok(self.lock().sessions.reader(name))
    }

    async fn keep_cursor_of(
        &self,
        (reader, session): (&str, SessionId),
        name: &str,
        number: u64,
    ) -> Result<(), BackendError> {
        let mut store = self.lock();
        store.sessions.check_reader(reader, session)?;
        store.cursors.insert(name.into(), number);
        Ok(())
    }

    async fn keep_cursor(&self, name: &str, number: u64) -> Result<(), BackendError> {
        self.lock().cursors.insert(name.into(), number);
        Ok(())
    }

    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        let store = self.lock();
        store.events.as_ref().map(Events::subscribe)
    }

    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError> {
        Ok(self.lock().find(id))
    }

    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError> {
        Ok(self.lock().list(&listing))
    }

    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError> {
        Ok(self.lock().select(&listing))
    }

    async fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError> {
        Ok(self.lock().destinations(host, now, limit))
    }

    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError> {
        Ok(self.lock().attempts(id))
    }

    async fn census(&self) -> Result<Census, BackendError> {
        Ok(self.lock().census())
    }

    async fn depth(&self, now: Timestamp) -> Result<Option<QueueDepth>, BackendError> {
        Ok(Some(self.lock().depth(now)))
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").finish_non_exhaustive()
    }
}
