//! Who works on what is stored, and whether there is room for more.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::super::{Collected, Retention, record::SessionId};
use super::{BackendError, Recovered};

/// The processes that work on what is stored, and its upkeep: one of the five parts of a
/// [`Backend`](super::Backend).
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
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
    ) -> Result<Collected, BackendError>;
}
