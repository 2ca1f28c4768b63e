//! Sessions, and room for more mail.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::super::{Removed, Retention, record::SessionId};
use super::{BackendError, BansChanged, LiveSession, Recovered, Refreshed};

/// The processes that work on stored transactions, and maintenance: one of the five parts of a
/// [`Backend`](super::Backend).
///
/// # Cancel safety
///
/// A write whose future is dropped is done completely or not at all.
///
/// # Several processes
///
/// A backend that several processes share has a [term](Sessions::session_term): a session that is not
/// [refreshed](Sessions::refresh_session) for that long is dead, by the backend's clock, and its leases become
/// free. Taking a lease for a dead session fails with [`BackendError::SessionLost`], and writes nothing. Such a
/// backend uses only its own clock, since the clocks of the processes may differ.
#[async_trait]
pub trait Sessions: fmt::Debug + Send + Sync + 'static {
    /// Begins a session, and frees the leases of dead sessions.
    ///
    /// A transaction that is freed is a [suspect](super::super::record::Standing::Suspect) until an attempt at
    /// it ends. It is due at once. But one that was leased in five or more crashes, with no attempt ended in
    /// between, is due only after a delay that doubles from one minute up to an hour, so that a message that
    /// crashes the process cannot do so in a loop.
    ///
    /// If a stored time is more than [`CLOCK_TOLERANCE`](super::CLOCK_TOLERANCE) after `now`, the wall
    /// clock was set back while no process was running: everything becomes due earlier by as much, as with
    /// [`Queue::bring_forward`](super::Queue::bring_forward).
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn open_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Recovered, BackendError>;

    /// How long a session lives without a refresh. `None` where the store belongs to this process: then its
    /// sessions live as long as the process.
    fn session_term(&self) -> Option<Duration> {
        None
    }

    /// Refreshes a session for another term, and frees the leases of dead sessions, as
    /// [`Sessions::open_session`] does.
    ///
    /// # Errors
    ///
    /// [`BackendError::SessionLost`] where it is dead already, so that others may have its leases; then
    /// begin another session. Other [`BackendError`]s say nothing about it.
    async fn refresh_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        let _ = (session, now);
        Ok(Refreshed::default())
    }

    /// Ends a session. Its leases are given back, with their due times unchanged, and are not
    /// suspect. A dead session is left alone.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn end_session(&self, session: SessionId) -> Result<(), BackendError> {
        let _ = session;
        Ok(())
    }

    /// Publishes the base URI (RFC 3986 section 5.1) for requests about a session's transactions, for
    /// as long as the session lives; with `None`, withdraws it.
    ///
    /// # Errors
    ///
    /// [`BackendError::SessionLost`] where it is dead.
    async fn publish_address(
        &self,
        session: SessionId,
        address: Option<&str>,
    ) -> Result<(), BackendError> {
        let _ = (session, address);
        Ok(())
    }

    /// The base URI for requests about a session's transactions; `None` where the session is dead, has
    /// published none, or has withdrawn it.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn address_of(&self, session: SessionId) -> Result<Option<Box<str>>, BackendError> {
        let _ = session;
        Ok(None)
    }

    /// The live sessions, in any order; none where the store belongs to this process.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn live_sessions(&self) -> Result<Vec<LiveSession>, BackendError> {
        Ok(Vec::new())
    }

    /// Returns the number of the last change of a suspension or suppression by any process, and what has changed after
    /// the change with the number `since`; `None` asks for the number only. Numbers are in the order of commits, so
    /// whoever asks for one and reads all of them afterwards misses nothing. A change may be among those of its own
    /// process, too. Nothing changes where the store belongs to this process.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn bans_changed(&self, since: Option<u64>) -> Result<BansChanged, BackendError> {
        let _ = since;
        Ok(BansChanged::default())
    }

    /// Changes soon after another process has changed suspensions or suppressions. Only the delay may depend on it: a
    /// change may be missed. `None` where nothing notifies this process.
    fn bans_notified(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// Finds out whether the backend could accept and return mail now, by waiting for whatever a
    /// write and a read wait for. Others see nothing of it. Nothing is written, unless a write has
    /// failed and no write of a message has succeeded since.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn probe(&self) -> Result<(), BackendError>;

    /// Whether there is room for new mail, besides the reserve for queued mail, which ensures that leases,
    /// settlements, notifications and the removal of garbage always fit. Without room, new transactions and
    /// blobs fail with [`BackendError::Full`]. The answer comes from memory; it is `true` where it is unknown.
    fn has_room(&self) -> bool {
        true
    }

    /// Removes what is no longer needed: transactions that have been final for longer than `retention.finished`,
    /// the oldest events beyond `retention.events`, suppressions that have ended, and blobs older than
    /// `retention.orphaned` to which no transaction refers, as body or as part. A final transaction does not keep
    /// its blobs: they can be read until they are removed; afterwards the transaction has no body, or lacks those
    /// parts.
    ///
    /// Removes a limited number at a time, and returns how many. Call it again until it removes none.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn collect_garbage(
        &self,
        now: Timestamp,
        retention: Retention,
    ) -> Result<Removed, BackendError>;
}
