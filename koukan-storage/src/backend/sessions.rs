//! The part of the backend that knows the sessions.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use koukan_core::storage::{
    BackendError, BansChanged, LiveSession, Recovered, Refreshed, Removed, Retention, Sessions,
    record::SessionId,
};
use tokio::sync::watch;

use crate::{
    row::micros,
    writer::{Collect, OpenSession, Operation, Publish},
};

use super::{Database, DatabaseBackend};

#[async_trait]
impl<D: Database> Sessions for DatabaseBackend<D> {
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError> {
        if self.0.is_read_only {
            return Ok(Recovered::default());
        }
        let request = OpenSession { session, now };
        match self.session_term() {
            Some(_) => {
                self.0
                    .writer
                    .ask_first(request, Operation::OpenSession)
                    .await
            }
            None => self.0.writer.ask(0, request, Operation::OpenSession).await,
        }
    }

    fn session_term(&self) -> Option<Duration> {
        self.0.database.session_term()
    }

    async fn refresh_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        if self.session_term().is_none() {
            return Ok(Refreshed::default());
        }
        let request = OpenSession { session, now };
        self.0.writer.ask_first(request, Operation::Refresh).await
    }

    async fn end_session(&self, session: SessionId) -> Result<(), BackendError> {
        match self.session_term() {
            Some(_) => self.0.writer.ask(0, session, Operation::EndSession).await,
            None => Ok(()),
        }
    }

    async fn publish_address(
        &self,
        session: SessionId,
        address: Option<&str>,
    ) -> Result<(), BackendError> {
        if self.session_term().is_none() {
            return Ok(());
        }
        let address = address.map(Into::into);
        let request = Publish { session, address };
        self.0.writer.ask(0, request, Operation::Publish).await
    }

    async fn address_of(&self, session: SessionId) -> Result<Option<Box<str>>, BackendError> {
        match self.session_term() {
            Some(_) => self.0.reader.address_of(session).await,
            None => Ok(None),
        }
    }

    async fn live_sessions(&self) -> Result<Vec<LiveSession>, BackendError> {
        match self.session_term() {
            Some(_) => self.0.reader.live_sessions().await,
            None => Ok(Vec::new()),
        }
    }

    async fn bans_changed(&self, since: Option<u64>) -> Result<BansChanged, BackendError> {
        match self.session_term() {
            Some(_) => self.0.reader.bans_changed(since).await,
            None => Ok(BansChanged::default()),
        }
    }

    fn bans_notified(&self) -> Option<watch::Receiver<u64>> {
        self.0.database.bans_notified()
    }

    fn has_room(&self) -> bool {
        self.0.database.has_room()
    }

    async fn probe(&self) -> Result<(), BackendError> {
        let written = self.0.writer.ask(0, (), Operation::Probe);
        let (written, read) = tokio::join!(written, self.0.reader.probe());
        // Writing may have found that there is room again, so it is asked for afterwards.
        written.and(read)?;
        self.0.database.check_room()
    }

    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Removed, BackendError> {
        let before = |age| now.checked_sub(age).map_or(i64::MIN, micros);
        // The reader finds them. The writer checks each again before it removes it.
        let orphans = self.0.reader.orphans(before(retention.orphaned)).await?;
        let request = Collect {
            now: micros(now),
            final_before: before(retention.finished),
            orphans,
            events_before: before(retention.events.age),
            events_kept: i64::try_from(retention.events.count).unwrap_or(i64::MAX),
        };
        self.0.writer.ask(0, request, Operation::Collect).await
    }
}
