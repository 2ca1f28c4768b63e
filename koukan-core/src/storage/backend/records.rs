//! What is told of transactions.

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

/// What is told of transactions, while something is to be done with them and afterwards: one of the five
/// parts of a [`Backend`](super::Backend). Nothing here changes what is done.
///
/// # Cancel safety
///
/// A write whose future is dropped is either done or not done, as a whole.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync + 'static {
    /// Writes down, in one commit, what became of transactions that were never committed: final ones
    /// without body, key or lease. One whose identity is there already is left out.
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

    /// Reads transactions, newest first.
    /// What cannot be read is left out.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError>;

    /// As [`Records::list`], but only of what was committed, and tells where each stands in the list.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError>;

    /// Reads the attempts that were made at a transaction, the oldest first; of a transaction that was
    /// never committed, the last. None where there is no such transaction.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError>;

    /// Counts what is queued by destination: of `host`, or of `limit` hosts at most; first those that are
    /// suspended, then those for which most is queued. What goes to several counts for none; a destination
    /// for which nothing is queued is left out.
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

    /// Counts the transactions by what is to happen with them.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn census(&self) -> Result<Census, BackendError>;

    /// Counts what is queued, by what is to happen with it: cheaper than [`Records::census`], since it looks at nothing
    /// that is final. `None` where that is not counted.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn depth(&self, _now: Timestamp) -> Result<Option<QueueDepth>, BackendError> {
        Ok(None)
    }

    /// Whether it keeps events: [`NewTransaction::events`] of what it commits, [`Settlement::events`](super::super::record::Settlement::events), what a
    /// [`Change`](super::super::record::Change) means, and [`NewTransaction::summary_events`], each in the commit of what it tells of.
    fn keeps_events(&self) -> bool {
        false
    }

    /// Reads events. None where it keeps none.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn events(&self, _query: EventQuery) -> Result<EventPage, BackendError> {
        Ok(EventPage::nothing())
    }

    /// How far a reader of events of that name has come; `None` where nothing was kept of one.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn cursor(&self, _name: &str) -> Result<Option<u64>, BackendError> {
        Ok(None)
    }

    /// Keeps how far one has come, in the place of what was kept before; where no events are kept, nothing.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn keep_cursor(&self, _name: &str, _number: u64) -> Result<(), BackendError> {
        Ok(())
    }

    /// Takes the reading of events under that name for a session, for as long as it lives, where several processes may
    /// read under it: so that one alone does. Taken again by the same session it stays so.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where another session has it, or this one is dead.
    async fn hold_reader(&self, _name: &str, _session: SessionId) -> Result<(), BackendError> {
        Ok(())
    }

    /// The session that has the reading of events under that name, if it lives.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    async fn reader(&self, _name: &str) -> Result<Option<SessionId>, BackendError> {
        Ok(None)
    }

    /// As [`Records::keep_cursor`], by the session that has the reading of events under the name `reader`.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`] where another session has it; then nothing is written.
    async fn keep_cursor_of(
        &self,
        _reader: (&str, SessionId),
        name: &str,
        number: u64,
    ) -> Result<(), BackendError> {
        self.keep_cursor(name, number).await
    }

    /// Changes when events were committed, so that whoever waits for some looks again. `None` where nobody tells.
    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}
