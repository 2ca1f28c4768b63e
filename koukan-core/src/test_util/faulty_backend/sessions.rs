//! Sessions over a medium with faults.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use tokio::sync::watch;

use crate::storage::{
    BackendError, BansChanged, LiveSession, Recovered, Refreshed, Removed, Retention, Sessions,
    record::SessionId,
};

use super::FaultyBackend;

#[async_trait]
impl Sessions for FaultyBackend {
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError> {
        // An agent that cannot begin does not, so there is nothing to observe.
        self.reach().await;
        self.behind(|| self.inner.open_session(session, now)).await
    }

    fn session_term(&self) -> Option<Duration> {
        self.inner.session_term()
    }

    async fn refresh_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        self.write(|| self.inner.refresh_session(session, now))
            .await
    }

    async fn end_session(&self, session: SessionId) -> Result<(), BackendError> {
        self.write(|| self.inner.end_session(session)).await
    }

    async fn publish_address(
        &self,
        session: SessionId,
        address: Option<&str>,
    ) -> Result<(), BackendError> {
        self.write(|| self.inner.publish_address(session, address))
            .await
    }

    async fn live_sessions(&self) -> Result<Vec<LiveSession>, BackendError> {
        self.read(|| self.inner.live_sessions()).await
    }

    async fn address_of(&self, session: SessionId) -> Result<Option<Box<str>>, BackendError> {
        self.read(|| self.inner.address_of(session)).await
    }

    fn has_room(&self) -> bool {
        self.inner.has_room()
    }

    async fn bans_changed(&self, since: Option<u64>) -> Result<BansChanged, BackendError> {
        match since {
            Some(_) => self.read(|| self.inner.bans_changed(since)).await,
            // Asked once when the agent begins; if it fails the agent does not begin.
            None => self.behind(|| self.inner.bans_changed(since)).await,
        }
    }

    fn bans_notified(&self) -> Option<watch::Receiver<u64>> {
        self.inner.bans_notified()
    }

    async fn probe(&self) -> Result<(), BackendError> {
        self.read(|| self.inner.probe()).await
    }

    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Removed, BackendError> {
        self.write(|| self.inner.collect_garbage(now, retention))
            .await
    }
}
