//! Who works on what is stored, and whether there is room for more.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{Removed, Retention, record::SessionId};
use super::{BackendError, LiveSession, Recovered, Refreshed};

/// The processes that work on what is stored, and its upkeep: one of the five parts of a
/// [`Backend`](super::Backend).
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
///
/// # Several processes
///
/// A backend that several processes share has a [term](Sessions::session_term): a session that is not
/// [refreshed](Sessions::refresh_session) for so long is dead, by the backend's own clock, and what it held under
/// lease falls free. What would take a lease for a dead session is [`BackendError::SessionLost`], and nothing of
/// it is written. Such a backend goes by its own clock alone: the clocks of those who share it may differ.
#[async_trait]
pub trait Sessions: fmt::Debug + Send + Sync + 'static {
    /// Begins a session, and frees what sessions that are dead held under lease.
    ///
    /// A transaction so freed is a [suspect](super::super::record::Standing::Suspect) until an attempt
    /// at it ends. It is due at once, but one that was under lease in five or more crashes without an
    /// attempt ended in between is due only after a while that doubles from one minute up to an hour, so
    /// that a message that crashes the process cannot do so in a loop.
    ///
    /// Where a time that was written down lies more than [`CLOCK_TOLERANCE`](super::CLOCK_TOLERANCE) after
    /// `now`, the wall clock was set back while nobody ran: everything is due earlier by as much, as with
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

    /// How long a session lives that is not refreshed. `None` where the store is this process's alone: then
    /// its sessions live as long as it does.
    fn session_term(&self) -> Option<Duration> {
        None
    }

    /// Says that a session lives, for another term, and frees what dead sessions held under lease, as
    /// [`Sessions::open_session`] does.
    ///
    /// # Errors
    ///
    /// [`BackendError::SessionLost`] where it is dead already, so that others may have what it held; another
    /// one is to be begun. Other [`BackendError`]s say nothing about it.
    async fn refresh_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        let _ = (session, now);
        Ok(Refreshed::default())
    }

    /// Ends a session: what it held under lease is given back, due as it was, and is no suspect. One
    /// that is dead is left alone.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn end_session(&self, session: SessionId) -> Result<(), BackendError> {
        let _ = session;
        Ok(())
    }

    /// Tells the others where requests for what a session works on are taken, as long as it lives: the
    /// base of the URIs, as of RFC 3986 section 5.1.
    ///
    /// # Errors
    ///
    /// [`BackendError::SessionLost`] where it is dead.
    async fn publish_address(&self, session: SessionId, address: &str) -> Result<(), BackendError> {
        let _ = (session, address);
        Ok(())
    }

    /// Where requests for what a session works on are taken; `None` where it is dead, or has not said.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn address_of(&self, session: SessionId) -> Result<Option<Box<str>>, BackendError> {
        let _ = session;
        Ok(None)
    }

    /// The sessions that live, in no order; none where the store is this process's alone.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn live_sessions(&self) -> Result<Vec<LiveSession>, BackendError> {
        Ok(Vec::new())
    }

    /// Finds out whether the backend could take and give out mail now: what a write and a read wait
    /// for, this waits for too. Nothing of it is seen by others, and nothing is written unless a
    /// write has failed and none of a message has worked since.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn probe(&self) -> Result<(), BackendError>;

    /// Whether there is room for new mail, beside what is kept free for what is there already: so that
    /// leases, settlements, notifications and the removal of garbage always fit. Where there is none,
    /// new transactions and blobs are [`BackendError::Full`]. Told from memory; `true` where it is unknown.
    fn has_room(&self) -> bool {
        true
    }

    /// Removes what is no longer of use: transactions that have been final for longer than `retention.finished`,
    /// the oldest events beyond `retention.events`, what is suppressed no longer, and blobs older than
    /// `retention.orphaned` that no transaction refers to, as body or as part. The blobs of a final transaction
    /// are not kept for its sake; until they are removed they can be read, and from then on the transaction has no
    /// body, or lacks those parts.
    ///
    /// Removes a bounded number at a time and tells how many; call it again while it removes some.
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
