//! Information about transactions.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::super::{
    EventPage, EventQuery, ListCursor, Listing,
    record::{
        Attempt, DestinationCensus, NewTransaction, SessionId, StoredTransaction, TransactionId,
    },
};
use super::{BackendError, Census, QueueDepth};

/// Information about transactions, unfinished and finished: one of the five parts of a
/// [`Backend`](super::Backend). Nothing here affects what is done with them.
///
/// # Cancel safety
///
/// A write whose future is dropped is done completely or not at all.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync + 'static {
    /// Writes, in one commit, summaries of transactions that were never committed: they are final,
    /// and have no body, key or lease. A summary whose identity exists already is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError>;

    /// Reads one transaction.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError>;

    /// Reads transactions, newest first. A transaction that cannot be read is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError>;

    /// As [`Records::list`], but only for committed transactions, and returns their positions in the
    /// list.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError>;

    /// Reads the attempts at a transaction, the oldest first; for a transaction that was never
    /// committed, only the last. Empty where there is no such transaction.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError>;

    /// Counts queued transactions by destination: for `host`, or for at most `limit` hosts. Suspended
    /// destinations come first, then those with the most transactions. A transaction with several
    /// destinations counts for none. A destination without queued transactions is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError>;

    /// Counts the transactions by state.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn census(&self) -> Result<Census, BackendError>;

    /// Counts queued transactions by state. It is cheaper than [`Records::census`], since it ignores final ones. `None`
    /// where they are not counted.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn depth(&self, _now: Timestamp) -> Result<Option<QueueDepth>, BackendError> {
        Ok(None)
    }

    /// Whether it keeps events: [`NewTransaction::events`] of commits,
    /// [`Settlement::events`](super::super::record::Settlement::events), those of a
    /// [`Change`](super::super::record::Change), and [`NewTransaction::summary_events`], each in the commit that causes
    /// them.
    fn keeps_events(&self) -> bool {
        false
    }

    /// Reads events; none where no events are kept.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn events(&self, _query: EventQuery) -> Result<EventPage, BackendError> {
        Ok(EventPage::nothing())
    }

    /// The stored position of the reader of events with this name; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn cursor(&self, _name: &str) -> Result<Option<u64>, BackendError> {
        Ok(None)
    }

    /// Stores a reader's position, replacing the previous one. Does nothing where no events are kept.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn keep_cursor(&self, _name: &str, _number: u64) -> Result<(), BackendError> {
        Ok(())
    }

    /// Gives the right to read events under this name to a session while it is alive, where several processes may
    /// read: only one does at a time. Repeating the call keeps the right.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where another session has the right, or this one is dead.
    async fn hold_reader(&self, _name: &str, _session: SessionId) -> Result<(), BackendError> {
        Ok(())
    }

    /// The live session that reads events under this name, if there is one.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn reader(&self, _name: &str) -> Result<Option<SessionId>, BackendError> {
        Ok(None)
    }

    /// As [`Records::keep_cursor`], by the session that reads events under the name `reader`.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where another session has the right; then nothing is written.
    async fn keep_cursor_of(
        &self,
        _reader: (&str, SessionId),
        name: &str,
        number: u64,
    ) -> Result<(), BackendError> {
        self.keep_cursor(name, number).await
    }

    /// Changes when events are committed, so that whoever waits can look again. `None` where that is not
    /// reported.
    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}
